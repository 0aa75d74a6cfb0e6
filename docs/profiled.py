"""Run the example of docs/howto/profile.md and put what it prints below it: ``python docs/profiled.py``."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent / "howto" / "profile.md"
_EXAMPLE = re.compile(r"```python\n(?P<code>.*?)```\n\n```text\n(?P<printed>.*?)```", re.DOTALL)

if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    found = _EXAMPLE.search(text)
    printed = subprocess.run([sys.executable, "-c", found["code"]], capture_output=True, text=True, check=True).stdout
    PAGE.write_text(text[: found.start("printed")] + printed + text[found.end("printed") :], encoding="utf-8")

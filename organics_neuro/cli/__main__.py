"""``python -m organics_neuro.cli`` is the command ``organics``."""

import sys

from organics_neuro.cli import main

sys.exit(main())

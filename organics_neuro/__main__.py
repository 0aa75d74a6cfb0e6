"""``python -m organics_neuro`` is the command ``organics``."""

import sys

from organics_neuro.cli import main

sys.exit(main())

"""``python -m mmuspec``: the command without its script."""

import sys

from mmuspec.cli import main

sys.exit(main())

"""python -m bot.devtools.simulator [PORT]: the simulated WeCom cloud as a program."""

import sys

from bot.devtools.simulator.standalone import run

run(int(sys.argv[1]) if len(sys.argv) > 1 else 8100)

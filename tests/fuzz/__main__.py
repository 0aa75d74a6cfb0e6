"""``python -m tests.fuzz --minutes 20 --seed 1 --write``: the campaign; it ends with 1 if anything was bad."""

import argparse
import sys
import time

from tests.fuzz import campaign, page
from tests.fuzz.areas import NAMES, attempt_of
from tests.fuzz.outcomes import judge


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the time by default")
    parser.add_argument("--areas", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--write", action="store_true", help="write the counts into docs/reliability.md")
    parser.add_argument("--case", help="AREA:SEED:NUMBER, one case with its traceback")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        area, seed, number = options.child.split(":")
        campaign.serve(area, int(seed), int(number))
    if options.case:
        area, seed, number = options.case.split(":")
        print(*judge(attempt_of(area), campaign.draw(area, seed, number)))
        attempt_of(area)(campaign.draw(area, seed, number))
        return 0
    print(f"seed {options.seed}")
    report = campaign.run(options.minutes, options.seed, options.areas)
    if options.write:
        page.write(report)
    print(page.table(report))
    return 1 if report.bad else 0


sys.exit(main())

"""Explore the whole model: ``python -m tools.session_model [GENERATIONS [MESSAGES UNDER WAY]]``."""

import sys
import time

from tools.session_model.checker import explore
from tools.session_model.model import SessionModel
from tools.session_model.sentences import SENTENCES


def main(generations: int = 3, under_way: int = 2) -> int:
    began = time.perf_counter()
    found = explore(SessionModel(generations=generations, under_way=under_way))
    seconds = time.perf_counter() - began
    print(f"{found.states} states, {found.steps} steps, {found.depth} deep, {seconds:.1f} s")
    if found.counterexample is None:
        print("holds in all of them:", *SENTENCES, sep="\n  ")
        return 0
    print(f"broken: {found.counterexample.sentence}", *found.counterexample.actions, sep="\n  ")
    return 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

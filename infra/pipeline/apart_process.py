"""What the process of `infra.pipeline.apart` runs: one question from stdin, its answer to stdout.

It takes nothing but the engine from anywhere, so that it starts in a blink.
"""

import os
import sys


def _answer() -> str:
    os.environ.setdefault("RUST_LIB_BACKTRACE", "0")
    import regorus

    engine = regorus.Engine()  # ty: ignore[missing-attribute]
    engine.set_input_json(_text())
    # Path and text of each module, then the rule, then nothing.
    while (path := _text()) and (text := _text()):
        engine.add_policy(path, text)
    return engine.eval_rule_as_json(path)


def _text() -> str:
    return sys.stdin.buffer.read(int(sys.stdin.buffer.readline())).decode()


if __name__ == "__main__":
    try:
        answer = _answer()
    except BaseException as problem:  # a panic of the engine is no Exception
        sys.exit(str(problem).split("Stack backtrace:")[0].strip() or type(problem).__name__)
    sys.stdout.buffer.write(answer.encode())
    sys.stdout.flush()
    # What the engine holds goes with the process: to take it apart first takes a tenth of a second.
    os._exit(0)

"""Time and memory as the stream grows: linear when the columns `per document` and `of the input` stay level.

usage: growth.py [DOCUMENTS]...

A third of the documents are Deployments. The memory of an empty run is subtracted, to show what the documents cost.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import PROGRAM, SETTINGS, about_this_machine, cost, manifests


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [500, 5_000, 50_000]
    with TemporaryDirectory() as folder:
        stream, settings = Path(folder, "all.yaml"), Path(folder, "sidecars.yaml")
        settings.write_text(SETTINGS)
        command = (PROGRAM, "--report=none", "--config", settings)
        stream.write_text(manifests(1))
        nothing = min(cost(command, stream) for _ in range(5))
        print(f"start {nothing.seconds * 1000:.0f} ms, {nothing.memory / 1e6:.0f} MB; {about_this_machine()}")
        print(f"{'documents':>9}  {'input':>8}  {'time':>7}  {'per document':>12}  {'memory':>7}  of the input")
        for size in sizes:
            stream.write_text(manifests(size // 3))
            length = stream.stat().st_size
            spent = min(cost(command, stream) for _ in range(3 if size <= 5_000 else 1))
            each = (spent.seconds - nothing.seconds) / size
            held = spent.memory - nothing.memory
            print(
                f"{size:9}  {length / 1e6:5.1f} MB  {spent.seconds:5.2f} s  {each * 1e6:9.0f} us"
                f"  {held / 1e6:4.0f} MB  {held / length:.1f} times"
            )


if __name__ == "__main__":
    main()

"""Puts a version of ONNX Runtime Web into the package, for the pages of `latentgrid export-page`.

npm pack onnxruntime-web@1.30.0 && tar xzf onnxruntime-web-1.30.0.tgz
python tools/onnxruntime_web.py package
"""

import gzip
import hashlib
import json
import sys
from importlib.resources import files
from pathlib import Path

WANTED = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
HERE = Path(__file__).parent.parent / "src/latentgrid/webpage/onnxruntime_web"


def put(package: Path) -> None:
    """Write the wanted files of an unpacked npm package, compressed, with what says which."""
    HERE.mkdir(exist_ok=True)
    digests = {}
    for name in WANTED:
        content = (package / "dist" / name).read_bytes()
        digests[name] = hashlib.sha256(content).hexdigest()
        (HERE / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
    version = json.loads((package / "package.json").read_text())["version"]
    described = {"name": "onnxruntime-web", "version": version, "sha256": digests}
    (HERE / "package.json").write_text(json.dumps(described, indent=1) + "\n")
    # The npm package has no text of its licence; the Python package of the same project has.
    (HERE / "LICENSE").write_bytes(files("onnxruntime").joinpath("LICENSE").read_bytes())


if __name__ == "__main__":
    put(Path(sys.argv[1]))

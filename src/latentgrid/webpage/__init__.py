"""A page of one trained run that decodes codes in the browser: one file, which asks for no other.

It is written from what `latentgrid.load` gives, so that it shows what Python would. ONNX Runtime
Web, in `onnxruntime_web`, came from npm by tools/onnxruntime_web.py and is not edited.
"""

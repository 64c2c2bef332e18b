"""The noise remover: takes a broadcaster's voice from the studio, cleans it, and puts it on the stage and into a recording."""

import os

# ONNX Runtime's Linux builds send usage data to their maker since 1.29, unless this stands in the environment when it is first
# imported. Stillair calls nobody.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

#!/usr/bin/env bash
# Brings the models of a worker to this machine before its first job: the operator's own (MODEL_URI, checked against
# MODEL_SHA256), and Demucs' weights where separation is on. What is here already, and whole, is not fetched again.
set -euo pipefail

python=${PYTHON:-python3}

"$python" - <<'PYTHON'
import sys

from drumscribe.errors import DrumScribeError
from drumscribe.service.models import check_model
from drumscribe.service.settings import Settings

settings = Settings()
try:
    check_model(settings)
except DrumScribeError as error:
    sys.exit(f"download_models: {error.message}")
print(f"download_models: the default model is here ({settings.MODEL_URI or 'it ships with the package'}).")

if settings.SEPARATION_BACKEND == "demucs":
    from drumscribe.separation.demucs import load_network

    try:
        load_network(settings.SEPARATION_MODEL, "", "cpu", "float32")
    except DrumScribeError as error:
        sys.exit(f"download_models: {error.message}")
    print(f"download_models: the weights of {settings.SEPARATION_MODEL} are here.")
PYTHON

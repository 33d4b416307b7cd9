#!/bin/sh
# For containers that are told by MODEL_NAME and MODEL_BASE_PATH which model to serve, as the original's image is.
exec tensorflow_model_server --port=8500 --rest_api_port=8501 \
  --model_name="${MODEL_NAME:-model}" --model_base_path="${MODEL_BASE_PATH:-/models}/${MODEL_NAME:-model}" "$@"

# The images of all services, a stage each: docker build --target gateway --build-arg SERVICE=gateway .
FROM python:3.12-slim-bookworm AS venv
ARG SERVICE
ENV PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 UV_LINK_MODE=copy UV_CACHE_DIR=/var/cache/uv
COPY requirements/bootstrap.lock requirements/
RUN pip install --quiet --no-cache-dir --require-hashes -r requirements/bootstrap.lock && uv venv --quiet /opt/venv
COPY requirements/${SERVICE}.lock requirements/
RUN --mount=type=cache,target=/var/cache/uv \
    uv pip install --quiet --python /opt/venv --no-deps --require-hashes --compile-bytecode -r requirements/${SERVICE}.lock \
    && find /opt/venv -type d -name tests -prune -exec rm -rf {} +
COPY services/__init__.py /app/services/
COPY services/contracts /app/services/contracts
COPY services/runtime /app/services/runtime
COPY services/${SERVICE} /app/services/${SERVICE}
RUN python -m compileall -q /app

# The generated protobuf messages of TensorFlow and TensorFlow Serving without the libraries: 1 MB instead of 1 GB.
FROM venv AS messages
COPY requirements/messages.lock requirements/
RUN --mount=type=cache,target=/var/cache/uv \
    uv pip install --quiet --target /whole --link-mode symlink --no-deps --require-hashes -r requirements/messages.lock \
    && mkdir /messages && cd /whole \
    && find -L tensorflow tensorflow_serving -name '*_pb2.py' -o -name '*_pb2_grpc.py' | tar -chf - -T - | tar -xf - -C /messages \
    && touch /messages/tensorflow/__init__.py

FROM python:3.12-slim-bookworm AS service
COPY --from=venv /opt/venv /opt/venv
COPY --from=venv /app /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001

# The health checks end a process that doesn't answer, so that Docker starts it again.
FROM service AS capture
ENV EMOTION_CAPTURE_HOST=0.0.0.0
EXPOSE 8001
HEALTHCHECK --interval=5s --timeout=20s --start-period=30s --retries=3 \
    CMD ["python", "-m", "services.runtime.probe", "8001", "--kill-after=3"]
ENTRYPOINT ["python", "-m", "services.capture"]

FROM service AS detector
ENV EMOTION_DETECTOR_HOST=0.0.0.0
EXPOSE 8002
HEALTHCHECK --interval=5s --timeout=20s --start-period=30s --retries=3 \
    CMD ["python", "-m", "services.runtime.probe", "8002", "--kill-after=3"]
ENTRYPOINT ["python", "-m", "services.detector"]

FROM service AS gateway
COPY --from=messages /messages /opt/venv/lib/python3.12/site-packages
ENV EMOTION_GATEWAY_HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=20s --start-period=30s --retries=3 \
    CMD ["python", "-m", "services.runtime.probe", "8000", "--kill-after=3"]
ENTRYPOINT ["python", "-m", "services.gateway"]

# Replaces tensorflow/serving on arm64: the same commands, flags and ports.
FROM service AS serving
COPY services/serving/tensorflow_model_server /usr/local/bin/
COPY services/serving/tf_serving_entrypoint.sh /usr/bin/
ENV MODEL_NAME=model MODEL_BASE_PATH=/models
EXPOSE 8500 8501
ENTRYPOINT ["/usr/bin/tf_serving_entrypoint.sh"]

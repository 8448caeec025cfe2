# The demo in a container: `make docker`, or
#   docker build --tag how-old .
#   docker run --publish 7860:7860 how-old
# What changes least comes first, so that a change of the code builds only the last layers again.
FROM python:3.11-slim-bookworm

# Hugging Face, too, runs containers as the user 1000.
RUN useradd --create-home --uid 1000 user
WORKDIR /home/user/app

COPY packages.txt ./
RUN apt-get update \
    && xargs --arg-file=packages.txt apt-get install --yes --no-install-recommends \
    && rm -rf /var/lib/apt/lists/*

# torch alone and first: only this index has the small build without CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.txt ./
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.txt)" \
    && pip install --no-cache-dir --requirement requirements.txt

# The user's own, because files keep the modes that they have outside, which may shut others out.
COPY --chown=user age_model ./age_model
COPY --chown=user app.py ./
USER 1000

# --build-arg YUNET=1 puts YuNet in, 0.2 MB from the Hugging Face Hub, checked. Without it faces are
# found by libfacedetection, which comes with the packages where its wheel exists.
ARG YUNET=
RUN test -z "$YUNET" || python -c "import sys; from age_model.faces.weights import \
yunet_from_cache, yunet_from_hub; \
sys.exit(None if yunet_from_cache() or yunet_from_hub() \
else 'YuNet cannot be fetched from the Hugging Face Hub')"

ENV GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m \
    CMD ["python", "-c", "import os, urllib.request as web; web.build_opener(web.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['GRADIO_SERVER_PORT'], timeout=9)"]
CMD ["python", "app.py"]

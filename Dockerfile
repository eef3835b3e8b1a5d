# The course with all that it needs, weights included: it runs without a network. docs/install.md says how to start it.
# The steps after USER are also run as a script, by tests/test_containers.py.
FROM python:3.12.12-slim-bookworm

RUN useradd --create-home learner && install --directory --owner learner /opt/course /opt/venv
USER learner
WORKDIR /opt/course
ENV PATH=/opt/venv/bin:$PATH

COPY --chown=learner requirements.lock ./
RUN python -m venv /opt/venv
RUN python -m pip install --quiet --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY --chown=learner . ./
RUN python -m pip install --quiet --no-cache-dir --no-build-isolation --no-deps --editable .
RUN fer-helpers doctor

# Faces, replies and marks: they outlive the container, and are in no image.
VOLUME /opt/course/outputs
EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser", "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb"]

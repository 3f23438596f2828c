"""schemathesis against the HTTP API: requests that its description allows, and others, and every answer compared with
what the description says: no server error, no status, header, type or content that is not described."""

import os
import subprocess
import sys

import harness
import schemathesis

#: How long it tries, in seconds.
TIME = os.environ["KV_CLIENTS_SECONDS"]

#: Whether a request succeeds depends on what the store holds: versions, conditions, cursors, durability levels. A
#: refusal of what is well-formed is no fault, as long as it is described.
EXCLUDED = "positive_data_acceptance"

harness.version(f"schemathesis {schemathesis.__version__}")
host, port = harness.address("HTTP")
program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
options = ["--checks", "all", "--exclude-checks", EXCLUDED, "--continue-on-failure", "--max-time", TIME, "--no-color"]
environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": os.path.dirname(os.path.abspath(__file__))}
command = [program, "run", f"http://{host}:{port}/openapi.json", *options]
raise SystemExit(subprocess.run(command, env=environment, cwd=os.environ["KV_CLIENTS_OUT"], check=False).returncode)

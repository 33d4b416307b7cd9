"""Sets what gRPC's core reads when it is first imported; so this is imported before it."""

import os

# The core writes a line for whatever a caller does wrong, as many as there are calls.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

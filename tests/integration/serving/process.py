"""A real server in a process of its own."""

from pathlib import Path

import grpc
import httpx

from launcher.ports import free_ports
from tests.processes import ModuleProcess
from tests.waiting import PATIENCE_S


class ServerProcess(ModuleProcess):
    """``python -m services.serving`` with flags, and a client for each of its two interfaces."""

    def __init__(self, name: str, base: Path, log: Path, *, rest: bool = True, extra: tuple[str, ...] = ()) -> None:
        self.name = name
        self.port, rest_port = free_ports(2)
        self.rest_port = rest_port if rest else 0
        flags = [f"--port={self.port}", "--rest_api_port", str(self.rest_port), f"--model_name={name}"]
        super().__init__("services.serving", log, {}, [*flags, "--model_base_path", str(base), *extra])
        self._rest_url = f"http://127.0.0.1:{self.rest_port}"
        self.http = httpx.Client(base_url=self._rest_url, timeout=PATIENCE_S, trust_env=False)
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{self.port}",
            options=[
                ("grpc.max_reconnect_backoff_ms", 200),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_receive_message_length", -1),
            ],
        )

    def __exit__(self, *reason: object) -> None:
        self.channel.close()
        self.http.close()
        super().__exit__(*reason)

    def wait_for_grpc(self) -> None:
        grpc.channel_ready_future(self.channel).result(PATIENCE_S)

    def wait_until_ready(self) -> None:
        self.wait_until_answers(f"{self._rest_url}/readyz")

    def is_ready(self) -> bool:
        """Tell whether it says that it is ready, now; fail where it has ended."""
        assert not self.has_ended(), self.log()
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

"""What a served engine holds that an embedded one does not: the seal on jobs, and the one folder of files."""

from __future__ import annotations

import hmac
import json
import secrets
from pathlib import Path

from mfgsql.errors import AccessError


class Guard:
    """Jobs of ``_ml_run`` are text in a statement, and a statement is what a client writes: so each carries a seal.

    Args:
        files_root: the folder that files of clients must lie in; None: they reach no files.
    """

    def __init__(self, files_root: Path | None) -> None:
        self.files_root = files_root.resolve() if files_root else None
        self._secret = secrets.token_bytes(32)

    def seal(self, job: str) -> str:
        """The job with the seal that `unseal` asks for."""
        return json.dumps({"job": job, "seal": self._of(job)}, ensure_ascii=False)

    def unseal(self, sealed: str) -> str:
        """The job.

        Raises:
            AccessError: it was not planned by this engine, or altered since.
        """
        read = json.loads(sealed)
        job, seal = (read.get("job"), read.get("seal")) if isinstance(read, dict) else (None, None)
        if not isinstance(job, str) or not isinstance(seal, str) or not hmac.compare_digest(self._of(job), seal):
            raise AccessError("Only a verb runs this function.", remedy="Call a verb, as FROM ml_predict('m', 't');")
        return job

    def _of(self, job: str) -> str:
        return hmac.digest(self._secret, job.encode("utf-8", "surrogatepass"), "sha256").hex()

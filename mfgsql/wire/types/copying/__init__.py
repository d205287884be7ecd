"""The streams of COPY: rows out, as text, CSV or PostgreSQL's binary, and rows in."""

from mfgsql.wire.types.copying.decoder import CopyDecoder
from mfgsql.wire.types.copying.encoder import CopyEncoder
from mfgsql.wire.types.copying.layout import CopyLayout

__all__ = ["CopyDecoder", "CopyEncoder", "CopyLayout"]

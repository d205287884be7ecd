"""The streams of COPY: rows out, as text, CSV or PostgreSQL's binary, and rows in."""

from mfgsql.server.types.copying.decoder import CopyDecoder
from mfgsql.server.types.copying.encoder import CopyEncoder
from mfgsql.server.types.copying.layout import CopyLayout

__all__ = ["CopyDecoder", "CopyEncoder", "CopyLayout"]

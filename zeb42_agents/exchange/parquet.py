"""Packets as Parquet: one row per hand, a column for each field of the record, about them in the file's metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from zeb42_agents.exchange.packets import ABOUT, MAX_HANDS, Packet, check_about, checked_packet, digest
from zeb42_agents.experience import EXPERIENCE
from zeb42_agents.extras import needs_extras
from zeb42_env._core.record import HAND

with needs_extras():
    import pyarrow as pa
    import pyarrow.parquet as pq

LEVEL = 9  # of zstd
MAX_BYTES = 2**31  # unpacked


def columns() -> Iterator[tuple[str, tuple[str, ...], np.dtype, int]]:
    """Name of each column, where its field is in a record, its dtype, and how many numbers a row has."""
    for name in EXPERIENCE.names or ():
        if name == "hand":
            for inner in HAND.names or ():
                yield f"hand.{inner}", (name, inner), *_shape(HAND[inner])
        else:
            yield name, (name,), *_shape(EXPERIENCE[name])


def _shape(dtype: np.dtype) -> tuple[np.dtype, int]:
    return dtype.base, int(np.prod(dtype.shape)) if dtype.shape else 1


def pack(packet: Packet) -> bytes:
    """``packet`` as a Parquet file, compressed with zstd."""
    arrays, fields = [], []
    for name, place, dtype, width in columns():
        values = packet.experience
        for part in place:
            values = values[part]
        flat = pa.array(np.ascontiguousarray(values).reshape(-1))
        array = flat if width == 1 else pa.FixedSizeListArray.from_arrays(flat, width)
        arrays.append(array)
        fields.append(pa.field(name, array.type, nullable=False))
        assert flat.type == pa.from_numpy_dtype(dtype)
    about = packet.about() | {"sha256": digest(packet.experience)}
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields, {ABOUT: json.dumps(about)}))
    sink = pa.BufferOutputStream()
    pq.write_table(
        table, sink, compression="zstd", compression_level=LEVEL, use_dictionary=False, write_statistics=False
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content


def unpack(content: bytes, *, run: str | None = None) -> Packet:
    """The packet that ``content`` is; errors as of :func:`zeb42_agents.exchange.packets.unpack`."""
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        about = json.loads((file.schema_arrow.metadata or {})[ABOUT.encode()])
        check_about(about, run)
        experience = _rows(file)
    except (pa.ArrowException, OSError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(f"expected a packet of hands, got a damaged or foreign file: {error}") from None
    if about.get("sha256") != digest(experience):
        raise ValueError("expected the hands that the header has the digest of, got others")
    return checked_packet(experience, about)


def _rows(file: Any) -> np.ndarray:
    metadata = file.metadata
    size = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    if metadata.num_rows > MAX_HANDS or size > MAX_BYTES:
        raise ValueError(f"expected at most {MAX_HANDS:,} hands in a packet, got {metadata.num_rows:,}, {size:,} bytes")
    table = file.read().combine_chunks()
    experience = np.zeros(table.num_rows, EXPERIENCE)
    for name, place, dtype, width in columns():
        column = table.column(name).combine_chunks()
        flat = column if width == 1 else column.flatten()
        if flat.type != pa.from_numpy_dtype(dtype) or len(flat) != width * len(experience) or flat.null_count:
            raise ValueError(f"expected {width} {dtype} in column {name}, got {column.type}")
        target = experience
        for part in place:
            target = target[part]
        target[...] = flat.to_numpy().reshape(target.shape)
    return experience

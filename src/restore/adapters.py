"""The same rows on engines made for clusters: Ray Data, Spark and datatrove, each with a restorer loaded once a worker.

    dataset.map_batches(RestoreBatches, batch_format="pyarrow", concurrency=8)                    # ray.data.Dataset
    frame.mapInArrow(map_in_arrow(), with_columns(frame.schema))                                  # pyspark DataFrame
    frame.mapInPandas(map_in_pandas(), with_columns(frame.schema))
    LocalPipelineExecutor([JsonlReader(folder), RestoreDocuments(), JsonlWriter(out)]).run()      # datatrove

No engine is imported here. Rows without a text get empty columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .config import Config
from .rows import TYPES, add_to_arrow, arrow_schema, arrow_texts, check_names, columns, restore_texts, restorer_for

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_DEFAULT = Config()


class RestoreBatches:
    """For ``map_batches`` of Ray Data with ``batch_format="pyarrow"``: an actor that loads the restorer once."""

    def __init__(self, text_column: str = "text", config: Config = _DEFAULT) -> None:
        self._text, self._restorer = text_column, restorer_for(config)

    def __call__(self, table: pa.Table) -> pa.Table:
        """The table with the new columns."""
        schema = arrow_schema(table.schema, self._text)
        return add_to_arrow(table, restore_texts(self._restorer, arrow_texts(table.column(self._text))), schema)


def map_in_arrow(
    text_column: str = "text", config: Config = _DEFAULT
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """For ``mapInArrow`` of Spark."""

    def function(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            schema = arrow_schema(batch.schema, text_column)
            yield add_to_arrow(batch, restore_texts(restorer_for(config), arrow_texts(batch.column(text_column))), schema)

    return function


def map_in_pandas(
    text_column: str = "text", config: Config = _DEFAULT
) -> Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """For ``mapInPandas`` of Spark."""

    def function(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            check_names(frame.columns, text_column)
            yield frame.assign(**columns(restore_texts(restorer_for(config), frame[text_column])))

    return function


def with_columns(schema: Any) -> Any:
    """The schema of a Spark frame with the new columns at its end."""
    extended = type(schema)(list(schema.fields))
    for name, kind in TYPES.items():
        extended = extended.add(name, kind)
    return extended


class RestoreDocuments:
    """A block of a datatrove pipeline: each document gets the new columns in its metadata, the text stays."""

    def __init__(self, config: Config = _DEFAULT) -> None:
        self._config = config

    def __call__(self, data: Iterable[Any], rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """The documents, one by one."""
        for document in data:
            found = columns(restore_texts(restorer_for(self._config), [document.text]))
            document.metadata.update((name, value) for name, (value,) in found.items())
            yield document

"""What happened in each epoch of a training run, and the CSV file that keeps it."""

import csv
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np

from organics_neuro.core.files import replacing


@dataclass
class History:
    """What happened in each epoch of `fit`.

    Attributes
    ----------
    loss : list of float
        Mean training loss.
    validation_accuracy : list of float
        Fraction of the validation data classified correctly; of targets that are floats, the fraction of their variance
        that is explained; or what ``metric`` says.
    lr : list of float
        Learning rate of the last batch.
    seconds : list of float
        Wall-clock time.
    """

    loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of epochs."""
        return len(self.loss)

    @property
    def best_epoch(self) -> int:
        """Index of the epoch with the highest validation accuracy, the first one if several share it."""
        return int(np.argmax(self.validation_accuracy))

    def save(self, path: str | PathLike[str]) -> None:
        """Write a CSV file with one line for each epoch, counted from 1."""
        with replacing(path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            writer.writerows(zip(range(1, len(self) + 1), *asdict(self).values(), strict=True))


#: First line of what `History.save` writes.
HEADER = ["epoch", *asdict(History())]


def is_log(path: str | PathLike[str]) -> bool:
    """Whether the first line of a file is that of `History.save`."""
    header = ",".join(HEADER).encode()
    with Path(path).open("rb") as file:
        return file.readline(len(header) + 2).strip() == header  # the line may be a large file

"""From a trained torch module to a circuit that every engine runs, and the proof that it is the same."""

from organics_neuro.core.errors import missing_extra

try:
    import torch  # noqa: F401
except ImportError as error:
    raise missing_extra("organics_neuro.transfer", "torch", "torch") from error

from organics_neuro.transfer.agreement import Agreement, agreement, steady_agreement
from organics_neuro.transfer.importers import ImportedCheckpoint, import_checkpoint
from organics_neuro.transfer.parity import Parity, parity
from organics_neuro.transfer.recurrent import to_circuit
from organics_neuro.transfer.steady import steady_circuit

__all__ = [
    "Agreement",
    "ImportedCheckpoint",
    "Parity",
    "agreement",
    "import_checkpoint",
    "parity",
    "steady_agreement",
    "steady_circuit",
    "to_circuit",
]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else

"""`inkloom doctor`: what this installation and this machine are."""

from typing import Any

from rich.table import Table

from inkloom.cli.options import Json
from inkloom.cli.terminal import print_json, results


def doctor(json: Json = False) -> None:
    """Versions, folders, devices, and the rates that were measured just now."""
    import shutil

    import torch

    from inkloom.files import cache_dir, size_of
    from inkloom.runs.directory import RUNS, versions
    from inkloom.training import machine
    from inkloom.training.config import TrainingConfig

    rates = {
        device: {name: round(machine.product_rate(device, dtype), 1) for name, dtype in machine.DTYPES.items()}
        for device in machine.available_devices()
    }
    chosen = machine.choose(TrainingConfig())
    found: dict[str, Any] = {
        "versions": versions(),
        "processor": machine.describe_processor(),
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "compiler": shutil.which("c++") is not None,
        "cache_dir": str(cache_dir()),
        "cache_bytes": size_of(cache_dir()),
        "runs_dir": str(RUNS.resolve()),
        "gflops": rates,
        "chosen": {"device": chosen.device, "precision": chosen.precision, "threads": chosen.threads},
    }
    if json:
        print_json(found)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for package, version in found["versions"].items():
        table.add_row(package, version)
    table.add_row("processor", f"{found['processor']}, {found['vector_instructions']}")
    table.add_row("C++ compiler", "found" if found["compiler"] else "none")
    table.add_row("cache", f"{found['cache_dir']}, {found['cache_bytes'] / 1e6:,.0f} MB")
    table.add_row("runs", found["runs_dir"])
    for device, by_type in rates.items():
        measured = ", ".join(f"{rate:,.0f} in {name}" for name, rate in by_type.items())
        table.add_row(device, f"matrix products: {measured} (GFLOP/s)")
    table.add_row("training uses", f"{chosen.device}, {chosen.precision}, {chosen.threads} threads")
    results().print(table)

"""The work of a job: `run_step` is the only way that a job moves, whoever calls it."""

from drumscribe.service.steps.run import run_step

__all__ = ["run_step"]

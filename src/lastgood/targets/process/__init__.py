"""Run applications as processes of this machine, each with a supervisor that outlives the agent."""

from lastgood.targets.process.releases import ArtifactUse, FindSource
from lastgood.targets.process.target import ProcessTarget

__all__ = ["ArtifactUse", "FindSource", "ProcessTarget"]

"""What the voice, motion and avatar trainings share: manifests, golden batches, checkpoints."""

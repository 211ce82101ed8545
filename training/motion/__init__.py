"""Audio to 3DMM descriptors: a conditional autoregressive flow and the teacher motion that it learns from."""

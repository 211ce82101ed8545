"""PIRenderer (Ren et al., ICCV 2021, arXiv 2109.08379): a portrait and a motion descriptor to a picture."""

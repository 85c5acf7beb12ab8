"""t-SNE and UMAP of plain arrays: what computes them in a process of its own needs no torch, and stays small."""

"""PCA, t-SNE and UMAP of plain arrays: a process that computes them needs no torch, so it starts soon and is small."""

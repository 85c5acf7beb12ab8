"""Vectors, neighbours and maps of many pictures, held against scikit-learn and umap-learn called plainly."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from nnviz_widgets import methods
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.images.image_set import ImageSet
from nnviz_widgets.manifold.watcher import Watcher
from nnviz_widgets.methods.grids import assign
from nnviz_widgets.methods.layouts import gridded, lay_out, trust
from nnviz_widgets.methods.nearest import nearest, nearest_of_all
from nnviz_widgets.methods.seams import seams
from tests.engine.networks import Plain, engine_of, seeded, snapshot

QUIET = pytest.mark.filterwarnings("ignore")  # of numba and umap-learn


def vectors(count=120, units=40, seed=0):
    return torch.randn(count, units, generator=torch.Generator().manual_seed(seed)) * 3 + 20


def digits(count=300):
    return torch.from_numpy(load_digits().data[:count].astype(np.float32))


@pytest.fixture(scope="module")
def embedding():
    images = ImageSet(np.random.default_rng(0).integers(0, 256, (14, 30, 30, 3), np.uint8), labels=[0, 1] * 7)
    return methods.embed(engine_of(seeded(Plain)), images, batch=4)


def test_vectors_are_the_layers_values(embedding):
    engine, images = embedding.engine, embedding.images
    expected = torch.cat([engine.activations(engine.prepare(images[i]), embedding.layer) for i in range(14)])
    assert torch.allclose(embedding.vectors, expected.reshape(14, -1), atol=1e-6)
    assert embedding.ids == images.ids
    assert embedding.labels == (0, 1) * 7


def test_maps_are_averaged_and_it_says_so():
    engine = engine_of(seeded(Plain))
    images = ImageSet(np.random.default_rng(0).integers(0, 256, (3, 30, 30, 3), np.uint8))
    found = methods.embed(engine, images, "conv1")
    assert found.pooled
    expected = [engine.activations(engine.prepare(images[i]), "conv1").mean((2, 3)) for i in range(3)]
    assert torch.allclose(found.vectors, torch.cat(expected), atol=1e-6)


def test_broken_pictures_are_left_out(tmp_path):
    from PIL import Image

    for i in range(3):
        Image.new("RGB", (30, 30), (80 * i, 0, 0)).save(tmp_path / f"{i}.png")
    (tmp_path / "1.png").write_text("no")
    found = methods.embed(engine_of(seeded(Plain)), ImageSet(tmp_path))
    assert (found.ids, found.numbers, list(found.broken)) == (("0.png", "2.png"), (0, 2), ["1.png"])
    for name in ("0.png", "2.png"):
        (tmp_path / name).write_text("no")
    with pytest.raises(NnvizError, match="No picture"):
        methods.embed(engine_of(seeded(Plain)), ImageSet(tmp_path))


def test_progress_goes_to_the_end():
    told = []
    images = ImageSet(np.zeros((10, 30, 30), np.uint8))
    methods.embed(engine_of(seeded(Plain)), images, batch=4, progress=told.append)
    assert told == [0.4, 0.8, 1.0]


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_neighbours_equal_scikit_learns(metric):
    points = vectors()
    model = NearestNeighbors(n_neighbors=7, metric=metric, algorithm="brute").fit(points.double().numpy())
    distances, numbers = model.kneighbors(points.double().numpy())
    for i in range(0, 120, 17):
        found = nearest(points, points[i], 6, metric=metric, leave_out=i)
        assert found.numbers.tolist() == numbers[i, 1:].tolist()
        assert np.allclose(found.distances, distances[i, 1:], rtol=1e-4, atol=1e-7)
    assert torch.equal(nearest_of_all(points, 6, metric=metric, rows=50), torch.from_numpy(numbers[:, 1:]))


def test_equal_pictures_come_in_their_order():
    points = vectors(30).index_select(0, torch.tensor([0, 1, 0, 2, 0, 3]))
    found = nearest(points, points[0], 5, leave_out=0)
    assert found.numbers.tolist()[:2] == [2, 4]
    assert found.distances[:2].tolist() == [0, 0]


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_neighbours_are_exact_among_many_copies_and_far_from_the_origin(metric):
    copies = vectors(1).repeat(90, 1)
    points = torch.cat([copies, vectors(400, seed=1) * 1e-3 + 100, copies])
    model = NearestNeighbors(n_neighbors=7, metric=metric, algorithm="brute").fit(points.double().numpy())
    some = torch.tensor([95, 200, 480])
    expected = model.kneighbors(points[some].double().numpy(), return_distance=False)[:, 1:]
    assert nearest_of_all(points, 6, metric=metric, of=some).tolist() == expected.tolist()
    assert nearest(points, points[95], 6, metric=metric, leave_out=95).numbers.tolist() == expected[0].tolist()
    same = nearest(points, points[0], 95, metric=metric, leave_out=3)
    assert same.numbers.tolist() == [0, 1, 2, *range(4, 90), *range(490, 496)]


def test_neighbours_of_a_picture_of_the_set_and_of_ones_own(embedding):
    own = embedding.engine.prepare(embedding.images[3])
    assert embedding.neighbours(own, 3).numbers[0] == 3
    assert embedding.neighbours(own, 3).distances[0] < 1e-4
    assert 3 not in embedding.neighbours(3, 13).numbers
    with pytest.raises(NnvizError, match="1 to 13"):
        embedding.neighbours(3, 14)
    assert len(embedding.neighbours(own, 14).numbers) == 14


def test_the_vectors_are_not_changed(embedding):
    before = embedding.vectors.clone()
    embedding.neighbours(0, 3, metric="cosine")
    embedding.layout("pca")
    assert torch.equal(embedding.vectors, before)


def test_pca_equals_scikit_learns():
    points = vectors(60)
    expected = PCA(2, svd_solver="full").fit_transform(points.double().numpy())
    found = lay_out("pca", points).points
    signs = np.sign((found * expected).sum(0))
    assert np.allclose(found, expected * signs, atol=3e-5)
    assert np.array_equal(found, lay_out("pca", points).points)


def test_one_and_two_pictures_have_a_pca():
    for count in (1, 2):
        assert np.isfinite(lay_out("pca", vectors(count)).points).all()
        assert lay_out("pca", vectors(count)).points.shape == (count, 2)
    with pytest.raises(NnvizError, match="too few"):
        lay_out("tsne", vectors(2))
    for few in (vectors(3), vectors(5), vectors(9, units=1), torch.ones(9, 4)):
        found = lay_out("tsne", few).points
        assert found.shape == (len(few), 2)
        assert np.isfinite(found).all()


def test_tsne_is_as_trustworthy_as_scikit_learns():
    points = digits()
    with threadpool_limits(1):  # its threads wait long for each other where cores are few
        plain = TSNE(init="pca", random_state=0).fit_transform(points.numpy())
    ours = lay_out("tsne", points, seed=0).points
    expected, found = (trustworthiness(points.numpy(), p, n_neighbors=6) for p in (plain, ours))
    assert found >= expected - 0.01
    assert np.array_equal(ours, lay_out("tsne", points, seed=0).points)


@pytest.mark.soak  # where cores are few, threads wait long for each other
def test_tsne_is_the_same_on_any_number_of_threads(monkeypatch):
    points = digits()
    alone = lay_out("tsne", points, seed=0).points
    monkeypatch.setattr("nnviz_widgets.manifold.tsne.ALONE", 0)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert np.array_equal(alone, lay_out("tsne", points, seed=0).points)


@QUIET
def test_umap_is_as_trustworthy_as_called_plainly():
    from umap import UMAP

    points = digits()
    plain = UMAP(random_state=0, n_jobs=1).fit_transform(points.numpy())
    ours = lay_out("umap", points, seed=0).points
    expected, found = (trustworthiness(points.numpy(), p, n_neighbors=6) for p in (plain, ours))
    assert found >= expected - 0.01


@QUIET
def test_umap_of_few_pictures():
    assert lay_out("umap", vectors(6)).points.shape == (6, 2)


@pytest.mark.parametrize("count", [1, 2, 7, 30])
def test_a_grid_is_filled_each_cell_once(count):
    flat = gridded(lay_out("pca", vectors(count)))
    assert len({tuple(cell) for cell in flat.cells.tolist()}) == count
    side = int(np.ceil(np.sqrt(count)))
    assert flat.cells.max() < side
    assert flat.options["of"] == "pca"


def test_points_already_on_a_grid_stay():
    rows, cols = np.divmod(np.arange(25), 5)
    layout = lay_out("pca", vectors(25))
    on_grid = type(layout)(np.stack([cols, rows], 1).astype(np.float32), "pca", {})
    assert np.array_equal(gridded(on_grid).cells, np.stack([rows, cols], 1))


def test_trust_is_one_for_a_perfect_map():
    flat = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    perfect = lay_out("pca", flat)
    trustworthy, recall = trust(flat, perfect)
    assert trustworthy == pytest.approx(1)
    assert recall == pytest.approx(1, abs=0.02)
    shuffled = type(perfect)(perfect.points[::-1].copy(), "pca", {})
    assert trust(flat, shuffled)[1] < 0.4


def test_the_module_stays_as_it_was():
    module = seeded(Plain)
    before = snapshot(module)
    methods.embed(engine_of(module), ImageSet(np.zeros((3, 30, 30), np.uint8)))
    assert snapshot(module) == before


def test_pca_of_more_pictures_than_numbers_and_the_other_way_round():
    for count, units in ((200, 12), (12, 200)):
        points = vectors(count, units)
        expected = PCA(2, svd_solver="full").fit_transform(points.double().numpy())
        found = lay_out("pca", points).points
        assert np.allclose(found, expected * np.sign((found * expected).sum(0)), atol=3e-5)


def test_pca_of_equal_pictures_is_one_point():
    assert np.abs(lay_out("pca", torch.ones(5, 8)).points).max() < 1e-5


def test_the_share_of_the_same_class_is_counted(embedding):
    model = NearestNeighbors(n_neighbors=4, algorithm="brute").fit(embedding.vectors.double().numpy())
    near = model.kneighbors(return_distance=False)
    labels = np.array(embedding.labels)
    assert embedding.same_class(4) == pytest.approx((labels[near] == labels[:, None]).mean())


def test_some_neighbours_are_those_of_all():
    points = vectors(60)
    some = torch.tensor([3, 40, 7])
    assert torch.equal(nearest_of_all(points, 5, of=some, rows=2), nearest_of_all(points, 5)[some])


def test_a_picture_is_placed_at_the_weighted_mean_of_its_neighbours(embedding):
    layout = embedding.layout("pca")
    near = type(embedding.neighbours(0, 2))(torch.tensor([4, 9]), torch.tensor([1.0, 2.0]))
    expected = (layout.points[4] * 4 + layout.points[9]) / 5
    assert np.allclose(embedding.place(near, layout), expected, atol=1e-5)
    copy = type(near)(torch.tensor([4, 9]), torch.tensor([0.0, 2.0]))
    assert np.allclose(embedding.place(copy, layout), layout.points[4], atol=1e-4)


def test_seams_count_the_pictures_that_are_truly_nearer():
    points = vectors(80, 12)
    layout = torch.randn(80, 2, generator=torch.Generator().manual_seed(1)).numpy()
    true = np.linalg.norm(points.numpy()[:, None] - points.numpy(), axis=2)
    shown = np.linalg.norm(layout[:, None] - layout, axis=2)
    np.fill_diagonal(shown, np.inf)
    near = np.argsort(shown, 1)[:, :3]
    expected = [np.mean([(np.delete(true[i], i) < true[i, j]).mean() for j in near[i]]) for i in range(80)]
    assert np.allclose(seams(points, layout, k=3), expected, atol=0.02)


def test_seams_are_low_on_a_true_map_and_at_chance_on_a_shuffled_one():
    flat = torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    assert seams(flat, flat.numpy()).mean() < 0.05
    shuffled = flat[torch.randperm(300, generator=torch.Generator().manual_seed(1))]
    assert seams(flat, shuffled.numpy()).mean() == pytest.approx(0.5, abs=0.06)
    assert seams(flat[:1], flat[:1].numpy()).tolist() == [0]
    assert seams(torch.ones(9, 3), np.zeros((9, 2), np.float32)).tolist() == [0] * 9


def test_a_grid_of_many_points_is_filled_too_and_keeps_their_order(monkeypatch):
    monkeypatch.setattr("nnviz_widgets.methods.grids.WHOLE", 40)
    points = np.random.default_rng(0).random((417, 2)).astype(np.float32)
    cells, places = assign(points)
    assert len({tuple(cell) for cell in cells.tolist()}) == 417
    assert cells.max(0).tolist() == [19, 20]
    assert np.abs(places - points).mean() < 0.1


def test_tsne_tells_how_far_it_is_and_stays_the_same():
    told = []
    points = digits(60)
    found = lay_out("tsne", points, perplexity=5, tell=told.append).points
    done = [fraction for fraction, _ in told]
    assert done == sorted(done)
    assert len(done) > 20
    assert done[0] < 0.05
    assert done[-1] == 1
    assert told[-1][1].shape == (60, 2)
    assert np.array_equal(found, lay_out("tsne", points, perplexity=5).points)


def test_a_progress_bar_is_read():
    told = []
    bar = Watcher(told.append)
    bar.write("\rEpochs completed:   0%|   | 0/500")
    bar.write("\rEpochs completed:  42%|## | 210/500 [00:01]")
    bar.flush()
    assert told == [(0.0, None), (0.42, None)]


@QUIET
@pytest.mark.soak  # numba compiles for a minute
def test_an_index_finds_almost_all_and_says_how_many(embedding, monkeypatch):
    found = replace(embedding, vectors=vectors(400, 10), ids=tuple(map(str, range(400))), _spaces={}, _indices={})
    exact = [found.neighbours(i, 6, exact=True).numbers.tolist() for i in range(0, 400, 8)]
    assert found.neighbours(0, 6).recall == 1
    monkeypatch.setattr("nnviz_widgets.methods.embeddings.EXACT", 300)
    near = [found.neighbours(i, 6) for i in range(0, 400, 8)]
    assert 0.8 < near[0].recall <= 1
    share = np.mean([len({*a} & {*b.numbers.tolist()}) / 6 for a, b in zip(exact, near, strict=True)])
    assert share == pytest.approx(near[0].recall, abs=0.05)
    assert all(8 * i not in result.numbers for i, result in enumerate(near))


def test_the_process_of_a_map_loads_no_torch():
    """It costs a third of a gigabyte, and seconds."""
    code = (
        "import sys, openTSNE, umap; from nnviz_widgets.live import lane_process; "
        "from nnviz_widgets.manifold import tsne, umap; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)

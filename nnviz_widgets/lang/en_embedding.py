"""English strings of neighbours and maps of pictures."""

TEXT = {
    "own_picture": "Your picture",
    "own_picture_away": "Without it",
    "own_picture_away_tip": "Take your picture away again",
    "metric": "Distance",
    "metric_tip": "How vectors are compared: by their difference, or by the angle between them",
    "metric_euclidean": "Euclidean",
    "metric_cosine": "cosine",
    "metric_euclidean_of": "Euclidean distance",
    "metric_cosine_of": "cosine distance",
    "embedding_pooled": "vectors of {layer}: {units} numbers, its maps averaged over space",
    "embedding_plain": "vectors of {layer}: {units} numbers as they are",
    # neighbours
    "another_five": "Another five",
    "another_five_tip": "Five other pictures, drawn by lot",
    "neighbours_title": "Pictures and their {nearest} nearest neighbours, with the {metric}",
    "neighbours_same": "same class (✓): {same} of {count} shown",
    "neighbours_whole": "over the whole set {percent} %",
    "neighbours_hover": "{name} · distance {distance} · {id}",
    "neighbours_reference": "{name} · {id}",
}

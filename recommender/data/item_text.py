"""What is said of items, as weighted words."""

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer

from recommender.data.catalog import Catalog

MOST_WORDS = 20_000
_WORD = r"[^\W\d_]{2,}"
"""Letters only: sizes and article numbers say little of what a thing is."""


def item_words(catalog: Catalog) -> csr_array:
    """Words of title, category and brand by TF-IDF.

    Args:
        catalog: of n items.

    Returns:
        Shape (n_items, n_words) float32, rows of length 1; empty for an item of which nothing is said, or
        nothing that is also said of another. At most `MOST_WORDS` words, those of the most items.
    """
    said = [
        " ".join(filter(None, texts))
        for texts in zip(catalog.title, catalog.category, catalog.brand, strict=True)
    ]
    words = TfidfVectorizer(token_pattern=_WORD, min_df=2, max_features=MOST_WORDS, dtype=np.float32)
    try:
        return csr_array(words.fit_transform(said))
    except ValueError:
        # scikit-learn refuses texts without a word that two of them share; here that is one kind of shop.
        return csr_array((len(said), 1), dtype=np.float32)

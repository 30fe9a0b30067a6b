"""The models by name."""

from recommender.models.als import Als, AlsModel
from recommender.models.best_sellers import BestSellers, BestSellersModel
from recommender.models.buy_again import BuyAgain, BuyAgainModel
from recommender.models.co_purchase import CoPurchase, CoPurchaseModel
from recommender.models.content import ContentModel
from recommender.models.customer_knn import CustomerKNN, CustomerKNNModel
from recommender.models.item_knn import ItemKNN, ItemKNNModel
from recommender.models.linear import Linear, LinearModel
from recommender.models.protocol import FittedModel, Model

MODELS: dict[str, tuple[type[Model], type]] = {
    "best_sellers": (BestSellers, BestSellersModel),
    "als": (Als, AlsModel),
    "item_knn": (ItemKNN, ItemKNNModel),
    "co_purchase": (CoPurchase, CoPurchaseModel),
    "buy_again": (BuyAgain, BuyAgainModel),
    "customer_knn": (CustomerKNN, CustomerKNNModel),
    "als_long_term": (Als, AlsModel),
    "co_purchase_recent": (CoPurchase, CoPurchaseModel),
    "linear": (Linear, LinearModel),
}
"""Name → (settings, what they learn) of the models that learn from purchases alone."""

FITTED: dict[str, type[FittedModel]] = {
    **{name: fitted for name, (_, fitted) in MODELS.items()},
    "content": ContentModel,
}
"""Name → what is learned, of every model. The name is also the item's `source` in an answer."""

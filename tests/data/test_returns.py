import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.returns import net_of_returns
from tests.shops import log_of

DAY = 86_400


def kept(lines):
    """What is left, as 'order item quantity', and how many returns were matched and not."""
    netted = net_of_returns(log_of(lines))
    orders = netted.orders
    left = [
        (orders.orders.ids[order], orders.items.ids[item], float(quantity))
        for order, item, quantity in zip(orders.order, orders.item, orders.quantity, strict=True)
    ]
    return left, netted.matched, netted.unmatched


def test_a_line_of_no_units_is_no_purchase_with_returns_or_without():
    nothing, tea = ("1", "ann", "jam", 0.0, 0.0), ("1", "ann", "tea", 2.0, 0.0)
    assert kept([nothing, tea]) == ([("1", "tea", 2.0)], 0, 0)
    assert kept([nothing, tea, ("2", "ann", "tea", -1.0, 1.0)]) == ([("1", "tea", 1.0)], 1, 0)


def test_a_partial_return_leaves_the_rest():
    assert kept([("1", "ann", "tea", 5, 0), ("C2", "ann", "tea", -2, 1)]) == ([("1", "tea", 3.0)], 1, 0)


def test_a_purchase_wholly_returned_disappears():
    assert kept([("1", "ann", "tea", 5, 0), ("C2", "ann", "tea", -5, 1)]) == ([], 1, 0)


def test_the_newest_purchase_is_undone_first_and_the_rest_of_the_return_goes_on_to_the_one_before():
    lines = [("1", "ann", "tea", 5, 0), ("2", "ann", "tea", 3, 1), ("C3", "ann", "tea", -4, 2)]
    assert kept(lines) == ([("1", "tea", 4.0)], 1, 0)  # 3 of the second, 1 of the first: 5 - 1 = 4


def test_returns_do_not_reach_purchases_that_come_after_them():
    assert kept([("C1", "ann", "tea", -4, 0), ("2", "ann", "tea", 3, 1)]) == ([("2", "tea", 3.0)], 0, 1)


def test_what_one_return_has_undone_the_next_cannot_undo_again():
    lines = [
        ("1", "ann", "tea", 2, 0), ("2", "ann", "tea", 3, 1),
        ("C3", "ann", "tea", -3, 2), ("C4", "ann", "tea", -1, 3),
    ]  # fmt: skip
    assert kept(lines) == ([("1", "tea", 1.0)], 2, 0)


def test_a_return_of_more_than_was_bought_takes_all_and_no_more():
    assert kept([("1", "ann", "tea", 2, 0), ("C2", "ann", "tea", -9, 1)]) == ([], 1, 0)


def test_other_customers_and_other_items_are_left_alone():
    bought = [("1", "ann", "tea", 2, 0), ("2", "bob", "tea", 2, 0), ("3", "ann", "milk", 2, 0)]
    lines = [*bought, ("C4", "ann", "tea", -2, 1)]
    assert kept(lines) == ([("2", "tea", 2.0), ("3", "milk", 2.0)], 1, 0)


def test_a_guests_return_undoes_nothing_for_nobody_knows_whose_it_is():
    assert kept([("1", None, "tea", 2, 0), ("C2", None, "tea", -2, 1)]) == ([("1", "tea", 2.0)], 0, 1)


def test_a_return_within_the_same_second_undoes_the_purchase_whatever_the_order_ids():
    assert kept([("9", "ann", "tea", 2, 0), ("1", "ann", "tea", -2, 0)]) == ([], 1, 0)


def test_tenths_that_add_up_leave_no_crumbs():
    lines = [("1", "ann", "ham", 0.3, 0), ("C2", "ann", "ham", -0.1, 1), ("C3", "ann", "ham", -0.2, 2)]
    assert kept(lines) == ([], 2, 0)


def test_nothing_is_known_of_returns_after_the_cut():
    orders = log_of([("1", "ann", "tea", 5, 0), ("C2", "ann", "tea", -5, 2)])
    assert net_of_returns(orders.until(1 * DAY)).orders.quantity.tolist() == [5.0]
    assert len(net_of_returns(orders.until(2 * DAY)).orders) == 0


def test_an_empty_log_stays_empty():
    orders = log_of([("1", "ann", "tea", 1, 0)])
    assert len(net_of_returns(orders.until(-1)).orders) == 0


def test_a_log_without_returns_is_only_its_purchases():
    orders = log_of([("1", "ann", "tea", 1, 0), ("2", None, "milk", 2, 1)])
    assert net_of_returns(orders).orders.quantity.tolist() == [1.0, 2.0]


quantities = st.integers(-6, 6).filter(bool)
histories = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), quantities, st.integers(0, 9)), max_size=30
)


def lines_of(history):
    return [
        (str(n), customer, item, quantity, day) for n, (customer, item, quantity, day) in enumerate(history)
    ]


def one_by_one(history):
    """The same by a stack for each customer and item: what the docstring says, unit by unit."""
    stacks: dict[tuple[str, str], list[float]] = {}
    for customer, item, quantity, _ in sorted(history, key=lambda line: (line[3], line[2] < 0, line[2])):
        stack = stacks.setdefault((customer, item), [])
        if quantity > 0:
            stack.append(quantity)
        while quantity < 0 and stack:
            undone = min(stack[-1], -quantity)
            quantity += undone
            stack[-1] -= undone
            if not stack[-1]:
                stack.pop()
    return {pair: sorted(stack) for pair, stack in stacks.items() if stack}


def units_of(orders):
    """Quantities left by customer and item."""
    left: dict[tuple[str, str], list[float]] = {}
    for customer, item, quantity in zip(orders.customer, orders.item, orders.quantity, strict=True):
        left.setdefault((orders.customers.ids[customer], orders.items.ids[item]), []).append(float(quantity))
    return {pair: sorted(units) for pair, units in left.items()}


@given(histories)
def test_the_vectorised_matching_equals_a_stack_for_each_customer_and_item(history):
    assert units_of(net_of_returns(log_of(lines_of(history))).orders) == one_by_one(history)


@given(histories)
def test_never_negative_and_never_more_than_bought(history):
    orders = log_of(lines_of(history))
    netted = net_of_returns(orders)
    assert (netted.orders.quantity > 0).all()
    assert netted.orders.quantity.sum() <= orders.purchases().quantity.sum()
    assert netted.matched + netted.unmatched == int((orders.quantity < 0).sum())


@given(histories, st.permutations(range(30)))
def test_renaming_orders_changes_nothing(history, names):
    renamed = [(str(100 + names[int(line[0])]), *line[1:]) for line in lines_of(history)]
    before, after = net_of_returns(log_of(lines_of(history))), net_of_returns(log_of(renamed))
    assert units_of(before.orders) == units_of(after.orders)


@given(histories, st.integers(0, 9))
def test_what_happens_later_does_not_change_what_was_known(history, day):
    orders = log_of(lines_of(history))
    earlier = log_of([line for line in lines_of(history) if line[4] <= day] or [("0", "a", "x", -1, 0)])
    known = net_of_returns(orders.until(day * DAY)).orders
    assert units_of(known) == units_of(net_of_returns(earlier).orders)


def test_a_long_run_of_purchases_and_returns_is_matched_to_the_end():
    many = 2_000
    bought = [(f"{n:05}", "ann", "tea", 1, n / many) for n in range(many)]
    returned = [(f"C{n:05}", "ann", "tea", -1, 1 + n / many) for n in range(many - 1)]
    left, matched, unmatched = kept(bought + returned)
    assert (left, matched, unmatched) == ([("00000", "tea", 1.0)], many - 1, 0)


def test_positions_and_prices_stay_with_their_lines():
    orders = log_of([("1", "ann", "tea", 2, 0), ("2", "bob", "milk", 4, 1), ("C3", "bob", "milk", -1, 2)])
    left = net_of_returns(orders).orders
    assert np.array_equal(left.unit_price, [1, 1]) and left.ordered_at.tolist() == [0, DAY]
    assert left.items is orders.items

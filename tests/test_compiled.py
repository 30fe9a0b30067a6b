"""What compiled loops are made with."""

import numba
import numpy as np

from recommender.compiled import bits_of, compiled, no_literal, number_of


@compiled
def there(numbers, bits):
    for place in range(len(numbers)):
        bits[place] = bits_of(numbers[place])


@compiled
def back(bits, numbers):
    for place in range(len(bits)):
        numbers[place] = number_of(bits[place])


def test_bits_are_those_of_the_number_and_lead_back_to_it():
    numbers = np.array([0.0, 1e-40, 1.0, 2.5, np.inf], np.float32)
    bits, again = np.empty(5, np.uint32), np.empty(5, np.float32)
    there(numbers, bits)
    back(bits, again)
    assert bits.tolist() == numbers.view(np.uint32).tolist() == sorted(bits.tolist())
    assert again.tolist() == numbers.tolist()


def test_a_number_that_is_no_literal_has_the_same_value_and_a_general_type():
    assert [no_literal(0xD9), no_literal(True), no_literal(False)] == [0xD9, True, False]
    assert [numba.typeof(no_literal(0xD9)), numba.typeof(no_literal(True))] == [numba.int64, numba.boolean]

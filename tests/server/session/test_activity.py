"""A cancel hits the statement that runs, and nothing that must be whole."""

from mfgsql.server.session.activity import Activity


def watched():
    """An activity, and the list of its interrupts."""
    activity, interrupts = Activity(1, 2), []
    activity.interrupt = lambda: interrupts.append(activity.reason)
    return activity, interrupts


def test_only_a_running_statement_is_stopped():
    activity, interrupts = watched()
    assert not activity.cancel()
    activity.begin()
    assert activity.cancel("because")
    activity.end()
    assert not activity.cancel()
    assert interrupts == ["because"]


def test_a_cancel_is_said_again_until_the_statement_ends():
    activity, interrupts = watched()
    activity.begin()
    activity.remind()
    assert interrupts == []
    activity.cancel()
    activity.remind()
    assert len(interrupts) == 2
    activity.end()
    activity.remind()
    activity.begin()
    activity.remind()
    assert len(interrupts) == 2


def test_the_end_of_a_transaction_is_not_broken():
    activity, interrupts = watched()
    activity.begin()
    with activity.unbroken():
        assert activity.cancel()
        activity.remind()
        assert interrupts == []
    activity.remind()
    assert len(interrupts) == 1

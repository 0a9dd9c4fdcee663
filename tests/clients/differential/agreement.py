"""The checks of every scenario. A file of a scenario imports them."""


def test_both_answer_alike(step, left_over, request):
    """Step by step: nothing differs but what is known to."""
    found = left_over[step.name]
    if step.differs:
        assert found, f"they agree now, although: {step.differs}"
        return
    new = {
        path: f"{path}: moto {moto!r}, the simulator {ours!r}"[:300]
        for operation, path, moto, ours in found
        if not any(known.covers(operation, path) for known in request.module.KNOWN)
    }
    assert not new, "\n".join(["", *new.values()])


def test_a_known_difference_is_still_there(known, left_over, request):
    """What is listed differs somewhere, so that the list stays true."""
    counted = [step.name for step in request.module.STEPS if not step.differs]
    assert any(known.covers(operation, path) for name in counted for operation, path, _, _ in left_over[name])

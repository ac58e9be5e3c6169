"""T3 over HTTP: more files than are kept, and the answer that says so."""

from standalone.stack import Stack


def test_the_answer_says_where_there_were_more_files(stack: Stack) -> None:
    text = "for n in range(int(input())): open(f'{n:03}.txt', 'w').write('x')"
    body = {
        "language": "python",
        "source": {"type": "code", "content": text},
        "outputs": ["*.txt"],
        "test_cases": [{"input": "100"}, {"input": "101"}],
    }
    answer = stack.client.post("/v1/submissions?wait=60", body)

    assert answer.status == 201, answer.body
    execution = answer.body["execution"]
    assert isinstance(execution, dict)
    all_of_them, cut = execution["test_results"]
    assert (len(all_of_them["artifacts"]), len(cut["artifacts"])) == (100, 100)
    assert "truncated" not in all_of_them
    assert cut["truncated"] == ["artifacts"]

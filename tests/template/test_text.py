from __future__ import annotations

import pytest

from deployer.template.text import TemplateError, fill, read_template

CONTAINER = {
    "Id": "0123456789ab",
    "Name": "/web",
    "Config": {"Image": "a/b:1", "Env": ["A=1", "SERVICE_X=2", "SERVICE_Y=3"], "Labels": {"zone": "Par1", "empty": ""}},
    "State": {"Running": True},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain,text", "plain,text"),
        ("{{.Name}}", "/web"),
        ("{{ .ID }}", "0123456789ab"),
        ("{{.State.Running}}", "true"),
        ("{{.Config.Env}}", "[A=1 SERVICE_X=2 SERVICE_Y=3]"),
        ("{{.Config.Labels.zone}}", "Par1"),
        ("{{.Config.Labels.none}}", "<no value>"),
        ('{{index .Config.Labels "zone"}}', "Par1"),
        ('{{index .Config.Labels "none"}}', ""),
        ("{{strSlice .ID 0 4}}", "0123"),
        ("{{strSlice .ID 4}}", "456789ab"),
        ("{{strSlice .ID 0 99}}", "0123456789ab"),
        ("{{sIndex 0 .Config.Env}}", "A=1"),
        ("{{sIndex -1 .Config.Env}}", "SERVICE_Y=3"),
        ("{{sIndex 9 .Config.Env}}", "SERVICE_Y=3"),
        ("{{sIndex -9 .Config.Env}}", "A=1"),
        ('{{mIndex "zone" .Config.Labels}}', "Par1"),
        ('{{mIndex "none" .Config.Labels}}', ""),
        ("{{toUpper .Config.Labels.zone}}", "PAR1"),
        ("{{.Config.Labels.zone | toLower}}", "par1"),
        ('{{replace -1 "=" "" "=foo="}}', "foo"),
        ('{{replace 1 "=" "" "=foo="}}', "foo="),
        ('{{join "," .Config.Env}}', "A=1,SERVICE_X=2,SERVICE_Y=3"),
        ('{{split "," "a,b"}}', "[a b]"),
        ('{{splitIndex -1 "/" "a/b/c"}}', "c"),
        ('{{ split "/" "a/b/c" | sIndex 1 }}', "b"),
        ('{{matchFirstElement "^SERVICE_" .Config.Env}}', "SERVICE_X=2"),
        ('{{matchFirstElement "^NONE" .Config.Env}}', ""),
        ('{{matchAllElements "^SERVICE_" .Config.Env}}', "[SERVICE_X=2 SERVICE_Y=3]"),
        ("""{{jsonParse `{"a":{"b":"c"}}` "a::b"}}""", "c"),
        ('{{if eq .Config.Labels.zone "Par1"}}paris{{else}}other{{end}}', "paris"),
        ("{{if .Config.Labels.empty}}a{{else if .State.Running}}b{{else}}c{{end}}", "b"),
        ("a, {{- .Name -}} ,b", "a,/web,b"),
        ("a{{/* nothing */}}b", "ab"),
        ('{{printf "%s-%d" .Name 3}}', "/web-3"),
        ('{{(splitIndex 0 ":" .Config.Image) | toUpper}}', "A/B"),
        ("{{json .State}}", '{"Running":true}'),
        ("{{prettyjson .State}}", '{\n    "Running": true\n}'),
        ('{{and true (not false) (or "" "x")}}', "x"),
    ],
)
def test_what_a_template_makes_of_a_container(text: str, expected: str) -> None:
    assert fill(read_template(text, "-tags"), CONTAINER) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{{httpGet "http://x"}}', "-tags: httpGet is not supported"),
        ("{{range .Config.Env}}{{end}}", "-tags: range is not supported"),
        ("{{nope .ID}}", "-tags: function 'nope' not defined"),
        ("{{.ID", "-tags: unclosed action"),
        ("{{if .ID}}x", "-tags: {{if}} without {{end}}"),
        ("x{{end}}", "-tags: unexpected {{end}}"),
        ("{{}}", "-tags: missing value for command"),
        ("{{.ID .Name}}", "-tags: a value that is no function has arguments"),
        ("{{toUpper (.ID}}", "-tags: unclosed left paren"),
        ("{{$x := 1}}", "-tags: unexpected '$x := 1'"),
    ],
)
def test_what_is_not_supported_is_named_at_the_start(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        read_template(text, "-tags")
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["{{.Nope}}", "{{.Name.First}}", "{{sIndex 0 .Config.None}}", '{{matchFirstElement "(" .Config.Env}}', "{{toUpper 3}}"])  # fmt: skip
def test_what_does_not_fit_a_container_is_an_error_of_that_container(text: str) -> None:
    with pytest.raises(TemplateError):
        fill(read_template(text, "-tags"), CONTAINER)

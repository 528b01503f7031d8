import pytest

from inkloom.tokenizers.detokenise import RuleWriter
from inkloom.tokenizers.word import WordTokenizer


def by_rule(text):
    writer = RuleWriter()
    return "".join(writer.write("\n" if token == "|" else token, 0) for token in text.split(" "))


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("The lobster , known as ; big : yes . No ! Why ?", "The lobster, known as; big: yes. No! Why?"),
        ("up to 60 cm ( 24 in ) [ sic ]", "up to 60 cm (24 in) [sic]"),
        ("a well @-@ known 1 @,@ 000 and 0 @.@ 7 kg", "a well-known 1,000 and 0.7 kg"),
        ("It 's what they 'll do , I 'm sure ; do n't", "It's what they'll do, I'm sure; don't"),
        ('becoming " lobster red " on " it " .', 'becoming "lobster red" on "it".'),
        ("he said ' yes ' and the players ' hats", "he said 'yes' and the players' hats"),
        ('an open " quote | ends " here " now', 'an open "quote\nends "here" now'),
        ("$ 5 and £ 3 , # 1", "$5 and £3, #1"),
        ("“ so ” he said – then … left", "“so” he said – then… left"),
        ("= = Title = = | | Text", "= = Title = =\n\nText"),
        ("| , starts", "\n, starts"),
        ("( ( a ) )", "((a))"),
    ],
)
def test_tokens_of_wikitext_read_as_text(tokens, text):
    assert by_rule(tokens) == text


def basic(train):
    return WordTokenizer.fit([train * 2], WordTokenizer.Config(mode="basic"))


@pytest.mark.parametrize(
    "text",
    [
        "ROMEO:\nI am not he, my lord; 'tis he.\nROMEO:\nSay you so?\n",
        'He said, "Come in." She came (at last).\n"Well?" said he.\n',
        "C'est vrai ! Vous aussi ? Oui : moi aussi ; c'est tout.\n",
        "one -- two... three/four, 1,000 or 50%\n",
        "日本語の文。もう一つの文。\n",
        "x = y + 2\nif x == 3: print(x)\n",
    ],
)
def test_usual_text_reads_as_train_has_it(text):
    tokenizer = basic(text)
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_a_straight_quotation_mark_opens_and_closes_in_turn():
    tokenizer = basic('he said, "go on," and on. "go on." and then he said "go".\n')
    for text in ('he said "go on" and "then"', 'he said "go on\n"go on"', 'he "go", on.'):
        assert tokenizer.decode(tokenizer.encode_prompt(text)) == text


def test_text_of_basic_in_which_commas_stand_apart_is_put_together_by_rules():
    tokenizer = basic("The cat , the dog ( and the mouse ) sat .\n")
    assert tokenizer.decode(tokenizer.encode_prompt("the mouse, (the cat)")) == "the mouse, (the cat)"


def test_what_stands_before_a_token_follows_from_a_prompt():
    tokenizer = basic('He said, "go on." And on.\n')
    continuation = tokenizer.encode_prompt('go on"')
    decoder = tokenizer.decoder(tokenizer.encode_prompt('he said, "'))
    assert "".join(decoder.push(token) for token in continuation) == 'go on"'

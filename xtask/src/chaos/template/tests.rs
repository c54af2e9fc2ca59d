use super::Values;

#[test]
fn words_and_lists_are_filled_in() {
    let mut values = Values::default();
    values.word("PORT", 80).list("upstream", [1, 2]).list("limit", None::<u8>);
    let template = "a @PORT@\n@upstream@ - @ITEM@ @N@ @PORT@\n@limit@ never\n@other@\n";
    assert_eq!(values.fill(template), "a 80\n - 1 0 80\n - 2 1 80\n@other@\n");
}

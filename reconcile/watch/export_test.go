package watch

// Summary is for the tests.
var Summary = summary

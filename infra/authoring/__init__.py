"""What a rule's author needs: a scaffold, a linter, a test run, an explanation, and the pages made from the rules."""

"""Where rows come from: files, S3, SQL, `datasets` folders and the hub, behind one small interface and one row at a time."""

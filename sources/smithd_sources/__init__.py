"""The sources that come with smithd; each is written on the door ``smithd.plugin`` alone."""

# The rules that are built in do the rest: Varnish adds Via and Age by itself.
vcl 4.1;

backend origin {
	.host = "{{host .Origin}}";
	.port = "{{port .Origin}}";
}

package apache

import (
	"strings"

	"proxylab/proxy/site"
)

// logFormat writes the Site's format for a directive. What the Site calls %v,
// the host that was asked for, is httpd's %V: its %v is the ServerName.
func logFormat(l site.Log) string {
	var b strings.Builder
	for _, item := range l.LogItems() {
		if item.Word == 0 {
			b.WriteString(strings.NewReplacer("%", "%%", `"`, `\"`).Replace(item.Text))
			continue
		}
		b.WriteByte('%')
		if item.Name != "" {
			b.WriteString("{" + item.Name + "}")
		}
		switch item.Word {
		case 'v':
			b.WriteByte('V')
		case 's':
			b.WriteString(">s")
		default:
			b.WriteByte(item.Word)
		}
	}
	return b.String()
}

func (w *writer) logs() {
	const access, errors = "${APACHE_LOG_DIR}/proxylab_access.log", "${APACHE_LOG_DIR}/proxylab_error.log"
	if !w.matched() {
		w.comment(1, "APACHE_LOG_DIR is /var/log/apache2 (/etc/apache2/envvars). \"combined\" is a",
			"LogFormat in /etc/apache2/apache2.conf.")
		w.line(1, "ErrorLog \"%s\"", errors)
		w.line(1, "CustomLog \"%s\" combined", access)
		return
	}
	l := w.site.Log
	if !l.Stdout && l.File == "" {
		w.comment(1, "No access log. Without a CustomLog here, Debian's other-vhosts-access-log.conf",
			"would write one; this writes nothing, since nobody sets the variable.")
		w.line(1, "CustomLog \"/dev/null\" \"%%h\" env=proxylab_writes_no_access_log")
	} else {
		if l.Format == site.DefaultLogFormat {
			w.comment(1, "The combined format, then the member that answered and the time it took in",
				"microseconds. APACHE_LOG_DIR is /var/log/apache2 (/etc/apache2/envvars).")
		} else {
			w.comment(1, "The site's own format. APACHE_LOG_DIR is /var/log/apache2",
				"(/etc/apache2/envvars).")
		}
		w.line(1, "LogFormat \"%s\" proxylab", logFormat(l))
	}
	if !w.options.Stdout {
		w.line(1, "ErrorLog \"%s\"", errors)
		if l.Stdout || l.File != "" {
			w.line(1, "CustomLog \"%s\" proxylab", access)
		}
		return
	}
	w.line(1, "ErrorLog \"/dev/stderr\"")
	if l.Stdout {
		w.line(1, "CustomLog \"/dev/stdout\" proxylab")
	}
	if l.File != "" {
		w.line(1, "CustomLog \"%s\" proxylab", access)
	}
}

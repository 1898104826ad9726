package apache

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Variant is the kind of machine that a handout is for.
type Variant string

// The variants.
const (
	Debian  Variant = "debian"  // a user with sudo, and systemd
	Service Variant = "service" // root, and no systemd: a container
)

// words are the handout's own, in one language.
type words struct {
	head                             string
	asUser, asRoot, curl             string
	changes, look, fails, undo, none string
	editor                           string
}

var handout = map[Lang]words{
	English: {
		head:    "Apache httpd as a reverse proxy with a load balancer, on Debian.\nThese are the steps that built the Apache of the lab.\n",
		asUser:  "Type the lines behind $ as a user who may use sudo.\n",
		asRoot:  "Type the lines behind # as root; those behind > belong to the line above.\n",
		curl:    "curl asks the questions; have it first:",
		changes: "changes:", look: "look:", fails: "fails:", undo: "undo:", none: "nothing was changed.",
		editor: "Write these lines into the file, with the addresses of your origin servers:",
	},
	Spanish: {
		head:    "Apache httpd como proxy inverso con balanceador de carga, en Debian.\nSon los pasos con los que se hizo el Apache del laboratorio.\n",
		asUser:  "Escribe las líneas que siguen a $ como usuario que puede usar sudo.\n",
		asRoot:  "Escribe las líneas que siguen a # como root; las que siguen a > son de la línea de arriba.\n",
		curl:    "curl hace las preguntas; instálalo antes:",
		changes: "cambia:", look: "mira:", fails: "falla:", undo: "deshacer:", none: "no se cambió nada.",
		editor: "Escribe estas líneas en el archivo, con las direcciones de tus servidores de origen:",
	},
}

// Steps is the script for reading in a terminal: numbered steps with their
// commands, what each changes, how to see it, how it fails, and how to undo it.
// The lines behind a prompt are complete: typed in their order into a bare
// machine of the variant, without those below "undo:", they set Apache up.
func Steps(lang Lang, v Variant) (string, error) {
	w, ok := handout[lang]
	if !ok {
		return "", fmt.Errorf("no language %q\n\thint: en or es", lang)
	}
	if v != Debian && v != Service {
		return "", fmt.Errorf("no variant %q\n\thint: debian (sudo, systemctl) or service (root, no systemd)", v)
	}
	var b strings.Builder
	b.WriteString(w.head)
	if v == Debian {
		b.WriteString(w.asUser)
	} else {
		b.WriteString(w.asRoot)
	}
	fmt.Fprintf(&b, "\n%s\n\n", w.curl)
	v.prompt(&b, "apt-get update")
	v.prompt(&b, "apt-get install -y curl")
	for i, s := range AllSteps() {
		p := s.Page[lang]
		fmt.Fprintf(&b, "\n%d. %s\n\n", i+1, p.Title)
		for line := range strings.SplitSeq(s.Commands, "\n") {
			if strings.Contains(line, `"$1"`) {
				v.file(&b, w, line[strings.LastIndexByte(line, ' ')+1:])
				continue
			}
			v.prompt(&b, line)
		}
		b.WriteByte('\n')
		b.WriteString(wrap(w.changes, p.Changes))
		b.WriteString(wrap(w.look, p.Look))
		v.prompt(&b, s.Try...)
		b.WriteString(wrap(w.fails, p.Fails))
		if s.Undo == nil {
			b.WriteString(wrap(w.undo, w.none))
			continue
		}
		b.WriteString("   " + w.undo + "\n")
		v.prompt(&b, s.Undo...)
	}
	return b.String(), nil
}

// prompt writes commands as the variant's user types them.
func (v Variant) prompt(b *strings.Builder, commands ...string) {
	for _, c := range commands {
		if v == Service {
			fmt.Fprintf(b, "   # %s\n", c)
			continue
		}
		switch program, what, _ := strings.Cut(c, " "); {
		case program == "apachectl" && what != "configtest":
			c = "sudo systemctl " + what + " apache2"
		case program != "ls" && program != "curl":
			c = "sudo " + c
		}
		fmt.Fprintf(b, "   $ %s\n", c)
	}
}

// file is the site being written at path: in an editor, or by the shell where a
// bare machine has no editor.
func (v Variant) file(b *strings.Builder, w words, path string) {
	before, after, mark := "       ", "\n", ""
	if v == Debian {
		v.prompt(b, "nano "+path)
		b.WriteString("\n   " + w.editor + "\n\n")
	} else {
		v.prompt(b, "cat > "+path+" <<'END'")
		before, after, mark = "   > ", "", "   > END\n"
	}
	for line := range strings.Lines(string(example)) {
		b.WriteString(strings.TrimRight(before+line, " \n") + "\n")
	}
	b.WriteString(mark + after)
}

// wrap writes text in lines of at most 80 columns behind a label.
func wrap(label, text string) string {
	const width, indent = 80, 12
	var b strings.Builder
	fmt.Fprintf(&b, "   %-*s", indent-4, label)
	column := max(indent-1, 3+utf8.RuneCountInString(label))
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		if column+1+n > width {
			b.WriteString("\n" + strings.Repeat(" ", indent-1))
			column = indent - 1
		}
		b.WriteString(" " + word)
		column += 1 + n
	}
	b.WriteByte('\n')
	return b.String()
}

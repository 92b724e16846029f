/* The page around the sections: escaping, head, style sheet, table of contents, figures and tables, the one small script. */
#include "report_int.h"

#include <string.h>

void prc_h(prc_page *p, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    char buf[1024];
    int n = vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof buf) {
        prc_text_addn(&p->out, buf, (size_t)n);
    } else if (n >= 0) {
        char *big = prc_page_alloc(p, (size_t)n + 1, 1);
        if (big) {
            vsnprintf(big, (size_t)n + 1, fmt, again);
            prc_text_addn(&p->out, big, (size_t)n);
        }
    }
    va_end(again);
}

void prc_escape(prc_text *t, const char *s)
{
    for (; s && *s; s++) {
        switch (*s) {
        case '&': prc_text_add(t, "&amp;"); break;
        case '<': prc_text_add(t, "&lt;"); break;
        case '>': prc_text_add(t, "&gt;"); break;
        case '"': prc_text_add(t, "&quot;"); break;
        case '\'': prc_text_add(t, "&#39;"); break;
        default:
            /* control characters have no place in HTML */
            if ((unsigned char)*s >= 32 || *s == '\n' || *s == '\t') prc_text_addn(t, s, 1);
        }
    }
}

const char *prc_esc(prc_page *p, const char *s)
{
    prc_text t = { 0 };
    prc_escape(&t, s);
    const char *copy = prc_page_text(p, "%s", t.s ? t.s : "");
    if (t.failed) p->failed = true;
    prc_text_reset(&t);
    return copy;
}

/* `prefix` followed by digits only: the number of a register. */
static bool numbered(const char *id, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(id, prefix, n) != 0 || !id[n]) return false;
    for (const char *c = id + n; *c; c++)
        if (*c < '0' || *c > '9') return false;
    return true;
}

/* Only what can be nothing but a public address becomes a link: never another scheme than https. */
const char *prc_link(prc_page *p, const char *id)
{
    const char *e = prc_esc(p, id);
    size_t plain = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./:_-()+%=?&#~");
    if (plain != strlen(id) || !*id) return e;
    const char *to = NULL;
    if (strncmp(id, "https://", 8) == 0) to = "";
    else if (strncmp(id, "10.", 3) == 0 && strchr(id, '/')) to = "https://doi.org/";
    else if (strncmp(id, "doi:10.", 7) == 0) to = "https://doi.org/";
    else if (numbered(id, "PMC")) to = "https://www.ncbi.nlm.nih.gov/pmc/articles/";
    else if (numbered(id, "NCT")) to = "https://clinicaltrials.gov/study/";
    if (!to) return e;
    return prc_page_text(p, "<a href=\"%s%s\" rel=\"noreferrer\">%s</a>", to, strncmp(e, "doi:", 4) == 0 ? e + 4 : e, e);
}

static const char CHART_CSS[] =
    "svg text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation Sans',sans-serif;fill:#1b1f23;paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}"
    "svg .t{font-size:12.5px}svg .l{font-size:13px}svg .b{font-size:13px;font-weight:650}svg .s{font-size:12px;fill:#4a5158}"
    "svg .n{font-size:12.5px;font-variant-numeric:tabular-nums}svg .h{font-size:12px;font-weight:650;fill:#4a5158;stroke-width:5px}svg .nb{font-size:12.5px;font-weight:650}"
    "svg .g{stroke:#e7eaec;stroke-width:1}svg .ax{stroke:#9aa2a9;stroke-width:1}svg .z{stroke:#2b3137;stroke-width:1.2}"
    "svg .m{stroke:#0B5C6B;stroke-width:1.4;stroke-dasharray:5 4}svg .mt{font-size:12px;fill:#0B5C6B}";

static const char *const PAGE_CSS[] = {
    ":root{--accent:#0B5C6B;--ink:#1b1f23;--soft:#4a5158;--line:#dfe3e6;--pale:#f4f7f8}",
    "*{box-sizing:border-box}html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}",
    "body{margin:0;color:var(--ink);background:#fff;font:17px/1.6 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation Sans',sans-serif}",
    ".page{max-width:58rem;margin:0 auto;padding:0 1.25rem 4rem}",
    "p,ul,ol,dl,.lead,blockquote{max-width:41rem}h1,h2,h3{line-height:1.22;letter-spacing:-.01em;text-wrap:balance}",
    "h1{font-size:2.1rem;margin:.3rem 0 .8rem;max-width:46rem}h2{font-size:1.55rem;margin:0 0 .6rem}h3{font-size:1.12rem;margin:2.2rem 0 .5rem}",
    "section{margin-top:4.2rem;scroll-margin-top:1rem}section>.lead{color:var(--soft);margin:.1rem 0 1.4rem}",
    "a{color:var(--accent);text-underline-offset:.15em}h2 a,h3 a{color:inherit;text-decoration:none}h2 a:hover,h3 a:hover{text-decoration:underline}",
    "a:focus-visible,button:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}",
    "header{padding-top:2.6rem}.kicker{color:var(--accent);font-weight:650;margin:0;font-size:.95rem}",
    ".question{font-size:1.22rem;line-height:1.5;color:var(--soft);margin:.2rem 0 1.6rem}",
    ".answer{font-size:1.22rem;line-height:1.5;margin:0 0 1.6rem}.answer b{font-weight:700}",
    ".numbers{display:flex;flex-wrap:wrap;gap:1.3rem 2.6rem;margin:1.6rem 0 1.8rem;align-items:flex-end}",
    ".numbers div{max-width:13rem}.numbers .wide-range{max-width:20.5rem}.numbers .k{display:block;font-size:.92rem;color:var(--soft);font-weight:600}",
    ".numbers .v{display:block;font-variant-numeric:tabular-nums;line-height:1.15;font-weight:650;font-size:1.35rem}",
    ".numbers .wide-range .v{font-size:2.7rem;color:var(--accent);letter-spacing:-.02em}.numbers .w{display:block;font-size:.86rem;color:var(--soft);line-height:1.4;margin-top:.2rem;min-height:2.4rem}",
    ".label{border-left:4px solid var(--accent);padding:.1rem 0 .1rem .9rem;font-weight:650;margin:1.8rem 0 0}",
    ".first{list-style:none;padding:0;margin:0;max-width:none}.first>li{padding:1.05rem 0;border-top:1px solid var(--line);display:grid;grid-template-columns:11.5rem 1fr;gap:.2rem 1.5rem}",
    ".first>li:last-child{border-bottom:1px solid var(--line)}.first .k{font-weight:650}.first p{margin:0 0 .5rem}.first p:last-child{margin-bottom:0}.first ul{margin:.2rem 0 0;padding-left:1.1rem}",
    ".bad{color:#9b2c00;font-weight:650}.good{color:#00573f;font-weight:650}.soft{color:var(--soft)}small,.small{font-size:.86em;line-height:1.45}",
    "figure{margin:1.8rem 0 2.2rem}figcaption{font-weight:650;line-height:1.35;margin-bottom:.55rem;display:flex;gap:1rem;justify-content:space-between;align-items:baseline}",
    "figcaption span.no{color:var(--soft);font-weight:500}figure .source,table+.source,.scroll+.source{font-size:.86rem;line-height:1.45;color:var(--soft);margin:.45rem 0 0;max-width:50rem}",
    "figure svg{display:block;width:100%;height:auto}figure .narrow{display:none}.tools{white-space:nowrap}.tools button{font:inherit;font-size:.8rem;font-weight:500;color:var(--accent);background:none;border:0;padding:.15rem .3rem;cursor:pointer;text-decoration:underline;text-underline-offset:.15em}",
    ".scroll{overflow-x:auto;margin:0 0 .4rem}table{border-collapse:collapse;font-size:.9rem;line-height:1.4;font-variant-numeric:tabular-nums}",
    ".caption{font-weight:650;line-height:1.35;margin:1.8rem 0 .5rem;max-width:50rem}.caption .no{color:var(--soft);font-weight:500}",
    "th,td{text-align:left;padding:.34rem 1.1rem .34rem 0;vertical-align:top;border-bottom:1px solid var(--line)}thead th{border-bottom:1.5px solid var(--ink);vertical-align:bottom}",
    "td.r,th.r{text-align:right}td.nw{white-space:nowrap}tr.group th{padding-top:.9rem;color:var(--soft);font-weight:600}tbody th{font-weight:500}td.in{padding-left:1.1rem}th.in{padding-left:1.1rem}",
    "code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:.86em}pre{background:var(--pale);padding:.9rem 1rem;overflow-x:auto;line-height:1.45;max-width:none}",
    "code.cmd{overflow-wrap:anywhere}.formula{font-family:Cambria,'STIX Two Text','Times New Roman',Times,serif;font-size:1.15rem;line-height:1.7;overflow-x:auto;margin:.8rem 0}",
    "dl.facts{display:grid;grid-template-columns:11.5rem 1fr;gap:.45rem 1.5rem;max-width:50rem}dl.facts dt{font-weight:650}dl.facts dd{margin:0}",
    "details{margin:1rem 0;border-top:1px solid var(--line);padding-top:.7rem}summary{cursor:pointer;font-weight:650;color:var(--accent)}td.hash{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:.78rem;overflow-wrap:anywhere;min-width:14rem}",
    "td.text{min-width:14rem;max-width:26rem}nav.toc{display:none}.tipbox{position:absolute;pointer-events:none;background:#1b1f23;color:#fff;font-size:.82rem;line-height:1.35;padding:.35rem .55rem;border-radius:4px;max-width:20rem;z-index:9}",
    "footer{margin-top:4rem;border-top:1px solid var(--line);padding-top:1rem;color:var(--soft);font-size:.9rem}",
    "@media(min-width:76rem){body{padding-left:15.5rem}nav.toc{display:block;position:fixed;left:0;top:0;bottom:0;width:15rem;padding:2.9rem 1rem 1rem 1.6rem;overflow-y:auto;font-size:.9rem;line-height:1.35}",
    "nav.toc ol{list-style:none;margin:0;padding:0;max-width:none}nav.toc li{margin:.1rem 0}nav.toc a{display:block;padding:.28rem 0;text-decoration:none;color:var(--soft)}nav.toc a:hover{color:var(--accent);text-decoration:underline}nav.toc b{display:block;color:var(--ink);margin-bottom:.7rem}}",
    "@media(max-width:40rem){body{font-size:16px}.page{padding:0 1rem 3rem}h1{font-size:1.6rem}h2{font-size:1.35rem}.question,.answer{font-size:1.08rem}header{padding-top:1.4rem}section{margin-top:3.2rem}",
    ".numbers .wide-range .v{font-size:2.1rem}.first>li,dl.facts{grid-template-columns:1fr}dl.facts dd{margin-bottom:.6rem}figure .wide{display:none}figure .narrow{display:block}table{font-size:.86rem}th,td{padding-right:.9rem}figcaption{flex-wrap:wrap;gap:.1rem 1rem}}",
    "@media print{@page{size:A4;margin:17mm 16mm 18mm}html{font-size:10pt}body{font-size:10pt;line-height:1.45;padding:0}.page{max-width:none;padding:0}nav.toc,.tools,.tipbox{display:none!important}",
    "section{margin-top:9mm}h1{font-size:19pt}h2{font-size:14pt}h3{font-size:11pt}h2,h3,.lead,figcaption,.caption{break-after:avoid;break-inside:avoid}.numbers{gap:4mm 8mm}.numbers div{max-width:46mm}.numbers .wide-range{max-width:66mm}figure,.numbers,.first p,.first ul li,tr{break-inside:avoid}.first>li{display:block}",
    ".scroll{overflow:visible}table{font-size:7.8pt}th,td{padding-right:2.2mm}td.text{min-width:0}td.hash{font-size:6.2pt;min-width:0}a{color:inherit;text-decoration:none}figure .wide{display:block!important}figure .narrow{display:none!important}pre{white-space:pre-wrap;font-size:7.6pt}.numbers .wide-range .v{font-size:24pt}}",
};

/* Saves a chart as SVG or PNG and shows the texts that charts carry anyway; the page reads the same without it. */
static const char SCRIPT[] =
    "(function(){'use strict';var css=document.getElementById('chart-css').textContent;"
    "function text(fig){var s=[].filter.call(fig.querySelectorAll('svg'),function(x){return x.getBoundingClientRect().width>0})[0].cloneNode(true);"
    "var v=s.getAttribute('viewBox').split(' ');s.setAttribute('width',v[2]);s.setAttribute('height',v[3]);"
    "var e=document.createElementNS('http://www.w3.org/2000/svg','style');e.textContent=css;s.insertBefore(e,s.firstChild);"
    "return {t:new XMLSerializer().serializeToString(s),w:+v[2],h:+v[3]}}"
    "function save(blob,name){var a=document.createElement('a');a.href=URL.createObjectURL(blob);a.download=name;document.body.appendChild(a);a.click();"
    "setTimeout(function(){URL.revokeObjectURL(a.href);a.remove()},1000)}"
    "document.querySelectorAll('figure').forEach(function(fig){var c=fig.querySelector('figcaption');if(!c||!fig.querySelector('svg'))return;"
    "var box=document.createElement('span');box.className='tools';['SVG','PNG'].forEach(function(kind){var b=document.createElement('button');b.type='button';b.textContent=kind;"
    "b.setAttribute('aria-label','Save this chart as '+kind);b.addEventListener('click',function(){var s=text(fig),blob=new Blob([s.t],{type:'image/svg+xml'});"
    "if(kind==='SVG'){save(blob,fig.id+'.svg');return}var i=new Image();i.onload=function(){var k=3,cv=document.createElement('canvas');cv.width=s.w*k;cv.height=s.h*k;"
    "cv.getContext('2d').drawImage(i,0,0,cv.width,cv.height);cv.toBlob(function(x){save(x,fig.id+'.png')})};"
    "i.src='data:image/svg+xml;charset=utf-8,'+encodeURIComponent(s.t)});box.appendChild(b)});c.appendChild(box)});"
    "var tip=null;document.addEventListener('mousemove',function(ev){var g=ev.target.closest?ev.target.closest('g.tip'):null;"
    "if(!g){if(tip){tip.remove();tip=null}return}var t=g.querySelector('title')||g._t;if(t&&t.parentNode){g._t=t;t.remove()}"
    "if(!tip){tip=document.createElement('div');tip.className='tipbox';document.body.appendChild(tip)}tip.textContent=g._t?g._t.textContent:'';"
    "tip.style.left=Math.min(ev.pageX+12,document.documentElement.clientWidth-220)+'px';tip.style.top=(ev.pageY+14)+'px'});"
    "window.addEventListener('beforeprint',function(){document.querySelectorAll('details.print').forEach(function(d){d.open=true})})})();";

static const struct { const char *id, *title; } TOC[] = {
    { "read-first", "Read this first" },          { "answer", "The answer" },
    { "over-time", "Over time" },                 { "record", "Held against the record" },
    { "patients", "Patients" },                   { "events", "Responders and events" },
    { "mechanism", "Mechanism" },                 { "drivers", "What drives it" },
    { "method", "Method and provenance" },
};

void prc_html_head(prc_page *p)
{
    const char *title = prc_esc(p, p->spec->title ? p->spec->title : "Virtual trial");
    prc_h(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n");
    prc_h(p, "<meta name=\"generator\" content=\"Paracrine %s\">\n<title>%s</title>\n", prc_esc(p, p->in->version), title);
    prc_h(p, "<style id=\"chart-css\">%s</style>\n<style>", CHART_CSS);
    for (size_t i = 0; i < sizeof PAGE_CSS / sizeof *PAGE_CSS; i++) prc_h(p, "%s\n", PAGE_CSS[i]);
    prc_h(p, "</style>\n</head>\n<body>\n");
    prc_h(p, "<nav class=\"toc\" aria-label=\"Contents\"><b>Contents</b><ol>");
    for (size_t i = 0; i < sizeof TOC / sizeof *TOC; i++) prc_h(p, "<li><a href=\"#%s\">%s</a></li>", TOC[i].id, TOC[i].title);
    prc_h(p, "</ol></nav>\n<div class=\"page\">\n");
}

void prc_html_tail(prc_page *p)
{
    prc_h(p, "<footer><p><b>%s</b></p><p>Paracrine %s. This file stands alone: it loads nothing and works offline.</p></footer>\n</div>\n",
          PRC_RESEARCH_USE, prc_esc(p, p->in->version));
    prc_h(p, "<script>%s</script>\n</body>\n</html>\n", SCRIPT);
}

void prc_section(prc_page *p, const char *id, const char *title, const char *lead)
{
    prc_h(p, "\n<section id=\"%s\">\n<h2><a href=\"#%s\">%s</a></h2>\n", id, id, title);
    if (lead) prc_h(p, "<p class=\"lead\">%s</p>\n", lead);
}

void prc_section_end(prc_page *p)
{
    prc_h(p, "</section>\n");
}

void prc_subhead(prc_page *p, const char *id, const char *title)
{
    prc_h(p, "<h3 id=\"%s\"><a href=\"#%s\">%s</a></h3>\n", id, id, title);
}

void prc_table_begin(prc_page *p, const char *caption)
{
    p->n_table++;
    prc_h(p, "<p class=\"caption\" id=\"table-%zu\"><span class=\"no\">Table %zu.</span> %s</p>\n", p->n_table, p->n_table, caption);
    prc_h(p, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-labelledby=\"table-%zu\"><table>\n", p->n_table);
}

void prc_table_end(prc_page *p)
{
    prc_h(p, "</table></div>\n");
}

void prc_figure(prc_page *p, const char *id, const char *title, prc_draw_fn draw, const void *data, const char *source)
{
    const char *t = prc_esc(p, title);
    prc_h(p, "<figure id=\"fig-%s\"><figcaption><span><span class=\"no\">Figure %zu.</span> %s</span></figcaption>\n", id, ++p->n_figure, t);
    prc_canvas wide = { p, &p->out, p->figure_width > 0 ? p->figure_width : 880, false }, narrow = { p, &p->out, 358, true };
    prc_h(p, "<div class=\"wide\">");
    draw(&wide, data, title);
    prc_h(p, "</div><div class=\"narrow\">");
    draw(&narrow, data, title);
    prc_h(p, "</div>\n");
    if (source && *source) prc_h(p, "<p class=\"source\">%s</p>\n", source);
    prc_h(p, "</figure>\n");
}

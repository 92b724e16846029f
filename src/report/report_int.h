/* report_int.h: what the files of the report share: the page under construction, numbers as text, SVG, charts. */
#ifndef PARACRINE_REPORT_INT_H
#define PARACRINE_REPORT_INT_H

#include "paracrine/report.h"

#define PRC_MONTH 30.4375
#define PRC_DASH "\xe2\x80\x93"  /* en dash: what is printed where there is no number */
#define PRC_MINUS "\xe2\x88\x92" /* minus sign */

/* One page: the input, what every section looks up, and the text so far. */
typedef struct prc_page {
    const prc_report_input *in;
    const prc_trial_result *r;
    const prc_trial_spec *spec;
    const prc_condition *c;
    const prc_checks *checks;   /* NULL = not run */
    const prc_range *range;     /* NULL = not computed */
    prc_arena *arena;           /* formatted numbers, escaped texts, chart data */
    prc_text out;
    bool failed;                /* out of memory */
    size_t n_arm, n_pop;
    const prc_endpoint *primary;
    const prc_observable *ob;   /* of the primary endpoint */
    int reference;              /* arm the primary endpoint is compared with */
    int headline;               /* prc_best_arm of the first population */
    const char **arm_short;     /* n_arm: words for axes and columns */
    const prc_outcome_row *outcome; /* of the condition; n_outcome = 0 without evidence */
    size_t n_outcome;
    const prc_study *study;
    size_t n_study;
    const prc_conflict *conflict;
    size_t n_conflict;
    size_t n_figure, n_table;   /* numbers given so far */
    double figure_width;        /* of the wide form of the next figures, 0 = the full column */
} prc_page;

/* Fills the lookups of a page whose in is set; PRC_E_VALUE when the result is not a trial (no arm, no endpoint). */
PRC_CHECKED prc_status prc_page_init(prc_page *p, const prc_report_input *in, prc_error *err);
void prc_page_reset(prc_page *p);

/* ---- numbers and words (page.c, number.c): texts live in the page's arena ---- */
void *prc_page_alloc(prc_page *p, size_t n, size_t size); /* NULL sets failed */
const char *prc_page_text(prc_page *p, const char *fmt, ...) PRC_PRINTF(2, 3);
const char *prc_num(prc_page *p, double x, int decimals);       /* 12.3; an en dash for NaN and infinities; thousands with thin spaces */
const char *prc_signed(prc_page *p, double x, int decimals);    /* +1.2, minus sign for negatives */
const char *prc_sig(prc_page *p, double x, int digits);         /* significant digits, powers of ten as words of the ledger: 5e+07 */
const char *prc_count_text(prc_page *p, size_t n);
const char *prc_interval(prc_page *p, double lo, double hi, int decimals, bool sign); /* -9.9 to -4.3 */
const char *prc_estimate_text(prc_page *p, const prc_estimate *e, int decimals, bool sign); /* -7.1 (-9.9 to -4.3) */
const char *prc_p_text(prc_page *p, double v);                  /* <0.001, 0.012, 0.43 */
const char *prc_percent(prc_page *p, double share, int decimals); /* 0.123 -> 12.3 % */
const char *prc_days(prc_page *p, double days);                 /* 12 mo, 10 d, 5 y */
int prc_decimals(double scale);                                 /* decimals that suit numbers of this size */
int prc_ob_decimals(const prc_observable *ob);
const char *prc_ob_unit(prc_page *p, const prc_observable *ob); /* "pt", "mm"; "" for pure numbers */
const char *prc_endpoint_title(prc_page *p, const prc_endpoint *e); /* WOMAC total, change to 12 mo */
const char *prc_pop_name(const prc_page *p, size_t pop);

/* ---- what sections look up (page.c) ---- */
const prc_endpoint_result *prc_result_of(const prc_page *p, size_t pop, const prc_endpoint *e); /* NULL if absent */
/* A difference to the reference in display units: score units, or percentage points for responder and event endpoints. */
typedef struct prc_answer {
    prc_estimate diff;
    double truth, lower, median, upper; /* range over what is assumed; NaN = none */
} prc_answer;
void prc_answer_of(const prc_page *p, size_t pop, int arm, prc_answer *out);
/* The arm with the largest true (else estimated) difference in the wanted direction; the reference when there is no other. */
int prc_best_arm(const prc_page *p, size_t pop);
const char *prc_answer_unit(prc_page *p);
int prc_answer_decimals(const prc_page *p);
int prc_answer_direction(const prc_page *p); /* -1: lower is better, as in the observable; events: -1 */
double prc_answer_mcid(prc_page *p, size_t pop, const char **words); /* in display units, NaN = none; words lives in the arena */
size_t prc_arm_size(const prc_page *p, size_t pop, int arm);
double prc_baseline_mean(const prc_page *p, size_t pop, int observable);
bool prc_is_meta(const prc_page *p, const prc_outcome_row *o); /* a meta-analysis or review: shown, never pooled */
const prc_study *prc_study_of(const prc_page *p, const prc_outcome_row *o);
const char *prc_study_short(prc_page *p, const char *study_id); /* title, cut at 60 bytes on a character border */
const char *prc_words(prc_page *p, const char *name);           /* a name of the files as words: the label of an observable, else without underscores */
const char *prc_unit_words(prc_page *p, const char *unit);      /* "" for pure numbers, kg/m2 with a raised 2 */
const char *prc_value_text(prc_page *p, const prc_outcome_row *o); /* as written, with a real minus sign */
const char *prc_source_links(prc_page *p, const char *list);    /* study ids as links into the list of studies, escaped */
const char *prc_evidence_links(prc_page *p, const char *list);  /* outcome ids as links into the rows of the record, escaped */
const char *prc_input_path(const char *path);                   /* from "models/" or "evidence/" on, without folders of this machine */
bool prc_measure_is(const prc_check *k, const char *measure, const char *observable);
bool prc_row_used(const prc_page *p, const prc_row *row);       /* some arm of this trial reads the row */
size_t prc_influences(prc_page *p, double least, const prc_influence ***out); /* strongest first, rows in use, |rho| >= least */
double prc_influence_least(const prc_page *p);                  /* 0.2, or what chance alone gives with few draws */
int prc_match_decimals(const prc_check *k);
const char *prc_match_published(prc_page *p, const prc_check *k); /* not escaped */
const char *prc_match_predicted(prc_page *p, const prc_check *k);
/* Met without cells too, and its note says so: shown, no test and no defect. */
bool prc_check_shown(const prc_check *k);
/* Outside by how many half-widths; 0 inside or not comparable. */
double prc_miss_size(const prc_check *k);
/* Checks in the order of presentation (misses first, worst first) of one role; returns the number. */
size_t prc_checks_sorted(prc_page *p, prc_role role, bool only_misses, const prc_check ***out);

/* ---- HTML (html.c) ---- */
void prc_h(prc_page *p, const char *fmt, ...) PRC_PRINTF(2, 3); /* raw; arguments must be escaped */
void prc_escape(prc_text *t, const char *s);
const char *prc_esc(prc_page *p, const char *s);                /* NULL gives "" */
const char *prc_link(prc_page *p, const char *identifier);      /* an <a> where it is a DOI, PMC id or https address, escaped text otherwise */
void prc_html_head(prc_page *p);
void prc_html_tail(prc_page *p);
void prc_section(prc_page *p, const char *id, const char *title, const char *lead);
void prc_section_end(prc_page *p);
void prc_subhead(prc_page *p, const char *id, const char *title);
void prc_table_begin(prc_page *p, const char *caption);
void prc_table_end(prc_page *p);

/* A chart is drawn twice: for wide screens and paper, and for phones; the style sheet shows one. */
typedef struct prc_canvas {
    prc_page *p;
    prc_text *out;
    double w;
    bool narrow;
} prc_canvas;
typedef void (*prc_draw_fn)(const prc_canvas *f, const void *data, const char *title);
void prc_figure(prc_page *p, const char *id, const char *title, prc_draw_fn draw, const void *data, const char *source);

/* ---- SVG (svg.c) ---- */
typedef enum prc_anchor { PRC_START, PRC_MIDDLE, PRC_END } prc_anchor;
typedef struct prc_scale {
    double d0, d1, r0, r1; /* domain and range */
    bool log;              /* base 10 */
} prc_scale;
double prc_scale_at(const prc_scale *s, double x);
/* Round domain around lo..hi and up to 12 ticks about `want` apart; returns the number of ticks. */
size_t prc_scale_nice(prc_scale *s, double lo, double hi, size_t want, double tick[12]);
int prc_tick_decimals(const double *tick, size_t n);
const char *prc_tick_text(prc_page *p, double v, int decimals);
void prc_svg_begin(const prc_canvas *f, double h, const char *title);
void prc_svg_end(const prc_canvas *f);
void prc_svg_text(const prc_canvas *f, double x, double y, const char *cls, prc_anchor a, const char *text);
void prc_svg_line(const prc_canvas *f, double x1, double y1, double x2, double y2, const char *cls);
void prc_svg_stroke(const prc_canvas *f, double x1, double y1, double x2, double y2, const char *color, double width, const char *dash);
void prc_svg_rect(const prc_canvas *f, double x, double y, double w, double h, const char *fill, const char *stroke);
double prc_svg_width(const char *s, double size); /* estimated width of a text */
/* Writes text in at most n_line lines of the given width, the last one cut with an ellipsis; returns lines written. */
size_t prc_svg_wrap(const prc_canvas *f, double x, double y, double width, double step, size_t n_line, const char *cls, const char *text);
size_t prc_svg_lines(const char *text, double width, size_t n_line); /* lines prc_svg_wrap would write */
void prc_svg_tip(const prc_canvas *f, const char *text); /* opens a group with a title; closed by prc_svg_tip_end */
void prc_svg_tip_end(const prc_canvas *f);
const char *prc_arm_color(size_t arm);
const char *prc_arm_dash(size_t arm);
void prc_svg_mark(const prc_canvas *f, size_t arm, double x, double y, double r);
void prc_svg_diamond(const prc_canvas *f, double x, double y, double r, const char *fill, const char *stroke);
/* Legend of arms as a row that wraps; returns its height. with draw false only measures. */
double prc_svg_legend(const prc_canvas *f, double y, bool draw);
/* Plain x axis with ticks and a label below. */
void prc_svg_axis_x(const prc_canvas *f, const prc_scale *s, const double *tick, size_t n, double y, double grid_top, const char *label);
void prc_svg_axis_y(const prc_canvas *f, const prc_scale *s, const double *tick, size_t n, double x, double grid_right);

/* ---- charts ---- */

/* Forest: rows with a wide pale bar (range), a thin interval, a mark, a hollow mark. NaN parts are left out. */
typedef struct prc_forest_row {
    const char *label, *sub;     /* sub: second, smaller line; NULL = none */
    const char *right, *right2;  /* text columns; NULL = none */
    int arm;                     /* colour and mark; -1 = published (grey diamond); -2 = heading row */
    double estimate, lower, upper, hollow, wide_lower, wide_mid, wide_upper;
} prc_forest_row;
typedef struct prc_forest_line { double x; const char *label; } prc_forest_line;
typedef struct prc_forest {
    const prc_forest_row *row;
    size_t n;
    const char *x_label, *left_word, *right_word; /* below the axis: which side favours what */
    const char *head_right, *head_right2;
    const prc_forest_line *line;                  /* dashed reference lines */
    size_t n_line;
    double band_lower[8], band_upper[8];          /* published effects as pale bands */
    size_t n_band;
    bool zero;
    int decimals;
} prc_forest;
void prc_chart_forest(const prc_canvas *f, const void *data, const char *title);

/* Prediction beside publication, each row on its own scale. */
typedef struct prc_match { const prc_check **check; size_t n; } prc_match; /* rows with something to be inside of */
void prc_chart_match(const prc_canvas *f, const void *data, const char *title);

/* Small multiples over time. */
typedef struct prc_series { int arm; size_t n; const double *x, *q05, *q25, *mid, *q75, *q95; bool band; } prc_series;
typedef struct prc_point { double x, y, lower, upper; const char *label; int number; } prc_point;
typedef struct prc_panel {
    const char *title, *unit;
    size_t n_series;
    prc_series *series;
    size_t n_point;
    prc_point *point;
    double min, max;    /* range of the score, NaN = open: the axis never leaves it */
    bool log;
    double log_floor;
} prc_panel;
typedef struct prc_panels {
    size_t n;
    prc_panel *panel;
    double horizon;      /* months */
    size_t n_dose;
    const double *dose;  /* months */
    int columns;         /* on wide screens */
} prc_panels;
void prc_chart_lines(const prc_canvas *f, const void *data, const char *title);

/* Horizontal bars. */
typedef struct prc_bar { const char *label, *sub, *value; int arm; double x, lower, upper; const char *fill; } prc_bar;
typedef struct prc_bars {
    size_t n;
    prc_bar *bar;
    double lo, hi; /* domain; lo < 0 draws a zero line with bars to both sides */
    const char *x_label;
    double value_width; /* room for the text at the right, 0 = none */
} prc_bars;
void prc_chart_bars(const prc_canvas *f, const void *data, const char *title);

/* One stacked bar of shares. */
typedef struct prc_share { const char *label; double share; const char *fill; bool dark; } prc_share;
typedef struct prc_shares { size_t n; prc_share *part; } prc_shares;
void prc_chart_shares(const prc_canvas *f, const void *data, const char *title);

/* Kaplan-Meier curves with numbers at risk. */
typedef struct prc_km_chart { size_t n; const prc_km *km; const int *arm; double horizon; const char *y_label; double y_low; } prc_km_chart;
void prc_chart_km(const prc_canvas *f, const void *data, const char *title);

/* CONSORT flow of one population. */
void prc_chart_flow(const prc_canvas *f, const void *population, const char *title);

/* ---- sections ---- */
void prc_report_head(prc_page *p);
void prc_report_read_first(prc_page *p);
void prc_report_answer(prc_page *p);
void prc_report_over_time(prc_page *p);
void prc_report_record(prc_page *p);
void prc_report_patients(prc_page *p);
void prc_report_events(prc_page *p);
void prc_report_mechanism(prc_page *p);
void prc_report_drivers(prc_page *p);
void prc_report_method(prc_page *p);
/* Panels of observables of the given kinds in one population (report_over_time.c). */
void prc_report_panels(prc_page *p, size_t pop, unsigned kinds, bool record, const char *id, const char *title, int columns);

#endif
